"""Where the program `backfill-worker` begins: it listens to signals before it loads what takes time to load."""

import contextlib
import os
import signal
import sys


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    from backfill import door
    from backfill.entry import leave_no_core

    leave_no_core()
    from backfill.workers.command import main as command

    door.guard()
    command()


def _leave(_: int, __: object) -> None:
    """Nothing is in hand yet: told to stop, it has. Past an import of the user's that would catch an exception."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    os._exit(0)
