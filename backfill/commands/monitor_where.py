"""Where `backfill monitor` looks from: this folder, this environment, this clock."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backfill.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from backfill.database import Connection
    from backfill.monitor.surroundings import Surroundings

READS_ONLY: Final = {"default_transaction_read_only": "on"}


def surroundings(since: Callable[[float], float] | None = None) -> "Surroundings":
    """Those of this process; `since` makes the time from which on things count of the time it is now.

    Raises UsageError where the folder is gone.
    """
    from backfill.monitor.surroundings import Surroundings

    tenant = os.environ.get("BACKFILL_TENANT") or "default"
    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UsageError("the folder that this runs in is gone; change to one that is there") from None
    return Surroundings(
        connect=partial(_connected, tenant),
        environ=dict(os.environ),
        folder=folder,
        now=time.time,
        tenant=tenant,
        since=since(time.time()) if since else None,
        stdin=sys.stdin.buffer if sys.stdin else None,
    )


def _connected(tenant: str, url: str) -> "AbstractAsyncContextManager[Connection]":
    from backfill import database  # its driver takes memory that a look at a log has better uses for

    return database.connected(url, name="backfill-monitor", tenant=tenant, session=READS_ONLY)
