"""The ways in which a worker computes besides one plain function of one record, which is the computation's own."""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final

from backfill import computing
from backfill.column_backfill import ColumnBackfill
from backfill.errors import HeldError
from backfill.workers.computing.calling import Calling
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.processes import Processes
from backfill.workers.computing.straight import Straight
from backfill.workers.computing.threads import Threads
from backfill.workers.limits.spending import Spending
from backfill.workers.watch import Watch

# Computing holds the event loop no longer than this at a stretch, one call at least.
STRETCH_SECONDS: Final = 0.05


class Ways:
    """Computes as each definition says."""

    def __init__(self, record_seconds: float, size: int = 1) -> None:
        self._record_seconds = record_seconds
        self._size = size  # partitions at once
        self._threads: Threads | None = None
        self._processes: Processes | None = None
        self.is_stuck = False  # a thread computes a record that nothing ends

    async def compute(
        self,
        definition: ColumnBackfill,
        names: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        ids: Sequence[str],
        watch: Watch,
        spending: Spending,
        until: float,
        *,
        last_attempt: bool,
    ) -> Outcomes:
        """What becomes of these rows; those that time, or a service, has left over have no outcome."""

        def about(first: int, number: int) -> str:
            return ids[first] if number == 1 else f"{ids[first]} (and {number - 1:,} more)"

        if computing.of(definition).is_async:
            calling = Calling(
                definition, names, rows, about, watch, spending, self._record_seconds, last_attempt=last_attempt
            )
            return await calling.work(until)
        straight = Straight(definition, names, lambda first, number: watch.begin(about(first, number)), watch.end)
        if definition.compute_in == "processes":
            self._processes = self._processes or Processes(self._record_seconds)
            outcomes = await self._processes.compute(definition, names, rows, until, last_attempt=last_attempt)
        elif definition.compute_in == "threads":
            self._threads = self._threads or Threads(self._size)
            outcomes = await self._threads.compute(straight, rows, watch, until)
        else:
            outcomes = await _in_the_loop(straight, rows, until)
        if outcomes.held is not None:
            await spending.held(HeldError(*outcomes.held))
        return outcomes

    async def close(self) -> None:
        """End what was started."""
        if self._processes is not None:
            await self._processes.close()
        if self._threads is not None:
            self.is_stuck = not await self._threads.close()


async def _in_the_loop(straight: Straight, rows: Sequence[Mapping[str, Any]], until: float) -> Outcomes:
    outcomes, breath = Outcomes(), monotonic() + STRETCH_SECONDS
    for _ in straight.steps(rows, outcomes, lambda: monotonic() > until):
        if monotonic() > breath:
            await asyncio.sleep(0)
            breath = monotonic() + STRETCH_SECONDS
    return outcomes
