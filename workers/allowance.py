"""How many records this worker may still do: all there are, or so many exactly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backfill.workers.stats import Stats


class Allowance:
    """Shared by the slots: what one has in hand, no other takes; what it leaves undone, another may have."""

    def __init__(self, most: int | None, stats: Stats) -> None:
        self._most = most
        self._stats = stats
        self._taken = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def some(self, wanted: int) -> AsyncIterator[int]:
        """Up to so many of a claim's records; none only when all that are allowed have been done."""
        if self._most is None:
            yield wanted
            return
        while (free := self._most - self._stats.records - self._taken) <= 0 and self._taken:
            self._changed.clear()
            await self._changed.wait()
        granted = min(wanted, max(free, 0))
        self._taken += granted
        try:
            yield granted
        finally:
            self._taken -= granted
            self._changed.set()
