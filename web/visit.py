"""One worker's visit to one job: it takes what is due, up to so many records, and leaves when nothing is due."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from uuid import UUID

from backfill.database import Connection, Pool, is_transient
from backfill.definition import Definition
from backfill.ledger import feeding
from backfill.settings import Settings
from backfill.workers.links.parts import Options, Parts, Place, Upkeep
from backfill.workers.links.unlinked import to_the_ledger
from backfill.workers.stats import Stats
from backfill.workers.worker import Worker

NEVER: Final = 1_000_000_000_000
SLOTS: Final = 3
LAST_SECONDS: Final = 10.0  # for ending a job whose last record was done
LOOK_SECONDS: Final = 1.0


class Visit:
    """To be run once."""

    def __init__(
        self, settings: Settings, definition: Definition, job_id: UUID, most: int, say: Callable[[str], None]
    ) -> None:
        self._job_id = job_id
        self._look = asyncio.Event()
        slots = SLOTS if most > definition.batch_size else 1
        # It holds no messages: nobody must think that some of a queue's are with it.
        options = Options(0, slots, NEVER, burst=False, max_records=most)
        self._worker = Worker(settings, {definition.name: definition}, options, say, link=self._link)
        self.lookout = self._worker.lookout

    @property
    def stats(self) -> Stats:
        return self._worker.stats

    @property
    def is_stuck(self) -> bool:
        return self._worker.is_stuck

    def stop(self) -> None:
        """Finish what is in hand, give back the rest."""
        self._worker.stop()

    async def run(self) -> None:
        """Work until so many records are done, nothing is due, or this is stopped."""
        await self._worker.run()

    @asynccontextmanager
    async def _link(self, place: Place) -> AsyncIterator[Parts]:
        async with to_the_ledger(self._job_id, self.stop, self._look)(place) as parts:
            yield Parts(parts.source, parts.outlet, _Leaving(place.pool, self._job_id, parts.upkeep, self._look, self))


class _Leaving:
    """Ends the job where it is done, and the visit where nothing is left that could be claimed now."""

    def __init__(self, pool: Pool, job_id: UUID, closer: Upkeep, look: asyncio.Event, visit: Visit) -> None:
        self._pool = pool
        self._job_id = job_id
        self._closer = closer
        self._look = look  # set when no slot has anything, and nothing is due
        self._visit = visit

    async def run(self) -> None:
        """Until there is nothing to do here; an absent database is waited for."""
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                async with self._pool.acquire(timeout=5) as connection:
                    more = await self._closer.close_ended(connection, "")
                    if not more and not await feeding.due(connection, self._job_id, without=(), most=1):
                        self._visit.stop()
                        return
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(LOOK_SECONDS)
                self._look.set()

    async def close_ended(self, connection: Connection, backfill: str) -> bool:
        return await self._closer.close_ended(connection, backfill)

    async def stop(self) -> None:
        """End the job if its last record was the last that was allowed, and leave true counts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS), self._pool.acquire(timeout=2) as connection:
                await self._closer.close_ended(connection, "")
        await self._closer.stop()
