"""Where the monitor looks in a test: a folder, variables, and real connections."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from backfill import database
from backfill.monitor.surroundings import Surroundings


def surroundings(
    folder: Path, environ: Mapping[str, str] | None = None, now: Callable[[], float] = time.time, **more: Any
) -> Surroundings:
    """As a command makes them, of these variables alone."""
    connect = partial(database.connected, name="backfill-monitor")
    return Surroundings(connect=connect, environ=environ or {}, folder=folder, now=now, tenant="default", **more)
