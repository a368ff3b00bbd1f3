"""Sees to one job alone, in place of a reconciler: its counts, its closing sweep, its end.

It leads no backfill and publishes nothing. Workers with a broker may do the same for the job meanwhile; the ledger lets
one of them at a time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

from backfill.database import Connection, Pool, is_transient
from backfill.ledger import jobs
from backfill.ledger.job import Job
from backfill.states import ENDED, PauseCause
from backfill.workers.upkeep.closing import Closing

TICK_SECONDS: Final = 1.0


class Closer:
    """Rolls a job up every second and ends it; says when there is nothing more to do for it here."""

    def __init__(
        self, pool: Pool, job_id: UUID, closing: Closing, look: asyncio.Event, over: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._job_id = job_id
        self._closing = closing
        self._look = look  # sooner than at the next tick
        self._over = over

    async def run(self) -> None:
        """Until the job has ended, or waits for a corrected definition or table; an absent database is waited for."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._look.wait()
            self._look.clear()
            try:
                async with self._pool.acquire(timeout=5) as connection:
                    job = await self._close(connection)
            except Exception as error:
                if not is_transient(error):
                    raise
                continue
            if job.state in ENDED or job.pause_cause == PauseCause.DEFINITION:
                self._over()
                return

    async def _close(self, connection: Connection) -> Job:
        """The job as it is after what could be done for it; raises NotFoundError for one that was deleted."""
        job = await jobs.read(connection, self._job_id)
        if job.state in ENDED:
            return job
        await self._closing.close(connection, job)
        return await jobs.read(connection, self._job_id)

    async def close_ended(self, connection: Connection, backfill: str) -> bool:
        """Of its own job, whatever others the backfill has."""
        del backfill
        job = await jobs.read(connection, self._job_id)
        return job.state not in ENDED and await self._closing.close(connection, job)

    async def stop(self) -> None:
        """Leave true counts behind."""
        async with self._pool.acquire(timeout=2) as connection:
            await jobs.roll_up(connection, self._job_id)
