"""Partitions of one job straight from the ledger, in place of an intake: nothing tells this worker what to do.

It reads what may be claimed a page at a time, again and again. A page is a hint as a message is one: the claim decides,
so workers with a broker may take partitions of the same job meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from backfill.database import Pool, is_transient
from backfill.ledger import feeding
from backfill.ledger.job import Job
from backfill.message import PartitionMessage
from backfill.workers.links.subscription import Settlement

PAGE: Final = 100
SOON_SECONDS: Final = 0.02  # after a look that found nothing; each further one waits twice as long
LATER_SECONDS: Final = 0.25


class Feed:
    """Gives the slots what the ledger calls due."""

    def __init__(self, pool: Pool, job: Job, slots: int, idle: asyncio.Event) -> None:
        self._pool = pool
        self._job = job
        self._low = 2 * slots  # fewer at hand, and more are read
        self._buffer: deque[Due] = deque()
        self._out: set[str] = set()  # read, and not settled
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self.ready = asyncio.Event()
        self._was_busy = True
        self._idle = idle  # nothing is due any more, and no slot has any; cleared by whoever looks why

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    async def run(self) -> None:
        """Keep some at hand until cancelled; an absent database is waited for."""
        pause = SOON_SECONDS
        while True:
            self._taken.clear()
            found = 0
            if len(self._buffer) <= self._low:
                try:
                    found = await self._read()
                except Exception as error:
                    if not is_transient(error):
                        raise
                    pause = LATER_SECONDS
                self.ready.set()
            if self._was_busy and not self._out:
                self._idle.set()
            self._was_busy = bool(self._out)
            pause = SOON_SECONDS if found else min(2 * pause, LATER_SECONDS)
            # A slot that takes the last but a few is not kept waiting; one that took what was left has time.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._taken.wait()

    async def _read(self) -> int:
        async with self._pool.acquire(timeout=5) as connection:
            keys = await feeding.due(connection, self._job.id, without=self._out, most=PAGE)
        for key in keys:
            message = PartitionMessage(self._job.id, self._job.backfill, self._job.mode, key)
            self._buffer.append(Due(self._job.backfill, message.encode(), key, self._settled))
            self._out.add(key)
        if keys:
            self._arrived.set()
        return len(keys)

    def _settled(self, key: str) -> None:
        self._out.discard(key)
        if not self._out:
            self._taken.set()

    async def next(self) -> "Due":
        """Wait for a partition."""
        while not self._buffer:
            self._arrived.clear()
            await self._arrived.wait()
        due = self._buffer.popleft()
        if len(self._buffer) == self._low:
            self._taken.set()
        return due

    async def stop(self) -> None:
        """Nothing has to be given back: what is not claimed is as it was."""
        self._buffer.clear()


class Due:
    """A partition that was read."""

    def __init__(self, backfill: str, body: bytes, key: str, settled: Callable[[str], None]) -> None:
        self.backfill = backfill
        self.body = body
        self._key = key
        self._settled = settled

    async def settle(self, settlement: Settlement) -> None:
        """The ledger knows; it may be read again."""
        del settlement
        self._settled(self._key)

    async def give_back(self) -> None:
        """The same for one that was not begun."""
        self._settled(self._key)
