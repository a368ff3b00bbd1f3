"""Programs that a test starts, each in a group of its own, and that end with it."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# A loop of bash that starts nothing: what it forks would have its command line until it is another program.
AGAIN_AND_AGAIN = "exec 8<> <(:); while :; do {}; read -rt 0.05 -u 8; done\n"

Begin = Callable[..., "subprocess.Popen[bytes]"]


@contextmanager
def groups(folder: Path) -> Iterator[Begin]:
    """Gives what starts a program in the folder; in the end every group is killed, with what it has started in turn."""
    started = []

    def begin(*command: str) -> "subprocess.Popen[bytes]":
        one = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True)
        started.append(one)
        return one

    yield begin
    for one in started:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.wait()
