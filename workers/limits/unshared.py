"""Calls of a trial: within the definition's limit as far as one process can tell, and told to no ledger."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from backfill.errors import HeldError
from backfill.limit import Limit
from backfill.workers.limits.spending import Spending
from backfill.workers.stopping import Stopping


class Unshared(Spending):
    """Stands where a claim's spending does; other workers do not hear of its calls."""

    def __init__(self, limit: Limit | None) -> None:
        self._limit = limit or Limit()
        self._permits = None if self._limit.concurrency is None else asyncio.Semaphore(self._limit.concurrency)
        self._made = 0
        self._next = 0.0  # the loop's time
        self.stopping = Stopping(math.inf)
        self.refusal: HeldError | None = None

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Wait for its turn; how long that may take is the caller's to say."""
        async with self._permits or nullcontext():
            now = asyncio.get_running_loop().time()
            self._made += 1
            if self._limit.rate is not None and self._made > self._limit.burst:
                turn = max(now, self._next)
                self._next = turn + 1 / self._limit.rate
                await asyncio.sleep(turn - now)
            else:
                self._next = now + 1 / (self._limit.rate or 1)
            yield

    async def rest(self) -> None:
        """There is nobody to rest for."""

    async def held(self, error: HeldError) -> None:
        self.refusal = error
