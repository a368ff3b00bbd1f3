"""Goes on with jobs that were left before they were planned whole.

A job's producer has a lease on it. Whoever finds a job whose lease has ended may go on, and the ledger lets one at a
time: a server that is killed while it plans is followed by any other, or by itself once it is started again.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

from backfill import database, log, rights
from backfill.api.collected import Collected
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import BackfillError, SchemaError
from backfill.ledger import jobs
from backfill.producers import resumption
from backfill.web.background import Background

LOOK_SECONDS: Final = 2.0
REST_SECONDS: Final = 60.0  # where the server's role may plan nothing


class Adoption:
    """Of one server, and of the jobs of its app."""

    def __init__(self, background: Background, definitions: dict[str, Definition]) -> None:
        self._background = background
        self._definitions = definitions
        self._is_allowed = True

    async def run(self) -> None:
        """Look again and again, until cancelled; an absent database is waited for."""
        while True:
            try:
                async with self._background.connected() as connection:
                    while await self._may_plan(connection):
                        await self._look(connection)
                        await asyncio.sleep(LOOK_SECONDS)
            except Exception as error:
                if not isinstance(error, BackfillError) and not database.is_transient(error):
                    raise
            await asyncio.sleep(LOOK_SECONDS if self._is_allowed else REST_SECONDS)

    async def _may_plan(self, connection: Connection) -> bool:
        """Whether the server's role may open jobs; said where it may not: it may be there to look only."""
        was_allowed, self._is_allowed = self._is_allowed, bool(self._definitions)
        for definition in list(self._definitions.values())[:1]:
            try:
                await rights.need_to_open(connection, definition, works=False)
            except SchemaError as error:
                self._is_allowed = False
                if was_allowed:
                    self._background.warn(f"No job is opened or planned here: {error}")
        return self._is_allowed

    async def _look(self, connection: Connection) -> None:
        background = self._background
        left = await jobs.left(connection, list(self._definitions))
        background.patience.keep({job_id for job_id, _ in left} | background.planned)
        for job_id, backfill in left:
            if background.is_full("adopts"):
                return
            if job_id not in background.planned and background.patience.is_over(job_id):
                background.planned.add(job_id)
                background.begin("adopts", self._adopt(job_id, self._definitions[backfill]))

    async def _adopt(self, job_id: UUID, definition: Definition) -> None:
        background, producer = self._background, uuid4()
        log.regard(job_id)
        try:
            async with background.parts(_Aloud(background.warn)) as parts:
                if (job := await jobs.try_lead(parts.connection, job_id, producer)) is None:
                    return
                background.say(f"Goes on with the planning of job {job_id}, which its producer has left.")
                await background.remember(parts.connection, job_id, "job.planning_adopted", {})
                await resumption.go_on(parts, definition, job, producer)
        except Exception as error:
            await background.tell(job_id, error)
        finally:
            background.planned.discard(job_id)


class _Aloud(Collected):
    """Hands warnings on at once: nobody waits for them."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__()
        self._hear = hear

    def warn(self, text: str) -> None:
        self._hear(text)
