"""Backfills from Python: `queue`, `run`, `wait` and `status` to be awaited, their twins in `sync` to be called.

They print nothing, install no signal handlers, and leave no thread, task or connection behind. What a person can put
right is raised as an error of `backfill.errors`.
"""

from backfill.api import sync
from backfill.api.calls import queue, run, status, wait
from backfill.api.outcome import Result
from backfill.ledger.progress import Progress

__all__ = ["Progress", "Result", "queue", "run", "status", "sync", "wait"]
