"""Count what is missing of ended jobs, a few at a time: nobody else counts them any more."""

import time
from typing import Final
from uuid import UUID

from backfill.database import Connection
from backfill.ledger import jobs, rollups
from backfill.log import about
from backfill.workers.troubles import Troubles

MOST: Final = 20  # a look
SECONDS: Final = 0.5  # at a stretch, before the active jobs have their turn
AGAIN_SECONDS: Final = 600.0  # after one that cannot be counted


class Counting:
    """Of the backfills that this worker leads; after a crash the next leader goes on."""

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._unfinished: set[str] = set()
        self._later: dict[UUID, float] = {}  # until when they are left alone

    async def bring_up(self, connection: Connection, backfill: str, *, look: bool) -> None:
        """Count some; only where the last look found more, or when it is time for the next one."""
        if not look and backfill not in self._unfinished:
            return
        now = time.monotonic()
        self._later = {job: until for job, until in self._later.items() if until > now}
        found = await rollups.behind(connection, backfill, most=MOST, but=list(self._later))
        self._unfinished.discard(backfill)
        if len(found) == MOST:
            self._unfinished.add(backfill)
        for job in found:
            if time.monotonic() > now + SECONDS:
                self._unfinished.add(backfill)
                return
            with about(job):
                await self._count(connection, job)

    async def _count(self, connection: Connection, job: UUID) -> None:
        try:
            await jobs.roll_up(connection, job)
        except Exception as error:
            self._later[job] = time.monotonic() + AGAIN_SECONDS
            self._troubles.tell_or_raise(job, f"Cannot count job {job}, which has ended", error)
        else:
            self._troubles.over(job)
