"""Named places where a fault test can kill, stop or break the process; nothing happens unless the variable is set.

`BACKFILL_FAILPOINT="worker.before_commit=kill@2"` kills the process the second time it gets there. Actions: kill
(SIGKILL), stop (SIGSTOP), raise (OSError). The names in use are listed by `git grep 'failpoint("'`.
"""

import os
import signal
from collections import Counter
from typing import Final

_SPEC: Final = os.environ.get("BACKFILL_FAILPOINT", "")
_NAME, _, _REST = _SPEC.partition("=")
_ACTION, _, _NTH = _REST.partition("@")
_seen: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Do what BACKFILL_FAILPOINT says for this place."""
    if name != _NAME:
        return
    _seen[name] += 1
    if _seen[name] != int(_NTH or 1):
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _ACTION == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif _ACTION == "raise":
        raise OSError(f"failpoint {name}")
