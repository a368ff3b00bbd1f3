"""Where `backfill monitor` looks from: this folder, this environment, this clock."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from backfill.monitor.surroundings import Surroundings

READS_ONLY: Final = {"default_transaction_read_only": "on"}


def surroundings(since: Callable[[float], float] | None = None) -> "Surroundings":
    """Those of this process; `since` makes the time from which on things count of the time it is now."""
    from backfill import database
    from backfill.monitor.surroundings import Surroundings

    tenant = os.environ.get("BACKFILL_TENANT") or "default"
    return Surroundings(
        connect=partial(database.connected, name="backfill-monitor", tenant=tenant, session=READS_ONLY),
        environ=dict(os.environ),
        folder=Path.cwd(),
        now=time.time,
        tenant=tenant,
        since=since(time.time()) if since else None,
        stdin=sys.stdin.buffer if sys.stdin else None,
    )
