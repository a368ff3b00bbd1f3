"""Computing the rows of a partition in a thread, beside the loop. Nothing can end a thread."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.straight import Straight
from backfill.workers.watch import Watch

END_SECONDS: Final = 1.0  # for records that are being computed when the worker ends


class Threads:
    """As many threads as partitions are worked on at once."""

    def __init__(self, size: int) -> None:
        self._executor = ThreadPoolExecutor(size, thread_name_prefix="compute")
        self._busy: set[asyncio.Future[Outcomes]] = set()

    async def compute(
        self, straight: Straight, rows: Sequence[Mapping[str, Any]], watch: Watch, until: float
    ) -> Outcomes:
        """What becomes of these rows; cancelled, the thread ends with the record that it is computing."""
        stop = threading.Event()
        watch.is_in_thread = True
        working = asyncio.get_running_loop().run_in_executor(
            self._executor, straight.work, rows, lambda: stop.is_set() or monotonic() > until
        )
        self._busy.add(working)
        working.add_done_callback(self._busy.discard)
        try:
            outcomes = await asyncio.shield(working)
        finally:
            stop.set()
        watch.is_in_thread = False  # not before: the main thread would be interrupted for it
        return outcomes

    async def close(self) -> bool:
        """Take no more; returns whether all have ended."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._busy:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(set(self._busy), timeout=END_SECONDS)
        return not self._busy
