"""What a server does on its own: a bounded number of jobs are planned, and it is said of which that ended early."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID

from backfill import database, log, sessions
from backfill.actor import actor
from backfill.api import planning as plans
from backfill.cancelling import cancel
from backfill.database import Connection
from backfill.errors import BackfillError, UnreachableError
from backfill.ledger import events, jobs
from backfill.producers.parts import Parts, Report, built
from backfill.settings import Settings
from backfill.texts import in_a_line
from backfill.web.patience import Patience

# Each has up to four connections of its own, and a bound of its own: jobs that were left must not keep anybody waiting
# who opens one, and neither keeps a preview.
MOST_AT_ONCE: Final = {"opens": 4, "adopts": 2, "previews": 2}
TELL_SECONDS: Final = 3.0


class Background:
    """Owns the tasks: none outlives it, and none dies without a word."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.warn = partial(log.warn, say)
        self.planned: set[UUID] = set()  # here, now
        self.patience = Patience()
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._is_closed = False

    def is_full(self, what: str) -> bool:
        return sum(one == what for one in self._tasks.values()) >= MOST_AT_ONCE[what]

    def begin(self, what: str, work: Any) -> "asyncio.Task[Any]":
        """Do it to its end; raises UnreachableError where as much of its kind is under way as at once."""
        if self._is_closed or self.is_full(what):
            work.close()
            why = "ends" if self._is_closed else f"{what} {MOST_AT_ONCE[what]} jobs, as many as it does at once"
            raise UnreachableError(f"this server {why}; try again in a moment")
        task = asyncio.create_task(work, name="planning")
        self._tasks[task] = what
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """End what is under way; each gives the lead of its job back."""
        self._is_closed = True
        await cancel(set(self._tasks))

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # whoever asked has it, or it was told

    async def tell(self, job_id: UUID, error: Exception) -> None:
        """Say what the planning died of, and leave it with the job's events; it is tried again after a while.

        Nothing of a job that has ended: that is what ended its planning.
        """
        what = str(error) if isinstance(error, BackfillError) else in_a_line(error)
        is_new = self.patience.lengthen(job_id, what, monotonic())
        with suppress(Exception):
            async with asyncio.timeout(TELL_SECONDS), self.connected() as connection:
                if (await jobs.read(connection, job_id)).completed_at is not None:
                    return
                if is_new:  # it may go on like this for hours
                    await self.remember(connection, job_id, "job.planning_failed", {"error": what})
        self.warn(f"Planning job {job_id} has ended early: {what}")

    async def remember(self, connection: Connection, job_id: UUID, event: str, details: dict[str, Any]) -> None:
        """Leave it with the job's events."""
        async with sessions.brief(connection):
            await events.act(connection, actor())
            await events.remember(connection, job_id, event, details)

    @asynccontextmanager
    async def parts(self, report: Report) -> AsyncIterator[Parts]:
        """With messages where there is a broker; without one, who works on the job finds it in the ledger."""
        made = built if self.settings.rabbitmq_url else plans.alone
        async with made(self.settings, report) as parts:
            yield parts

    def connected(self) -> AbstractAsyncContextManager[Connection]:
        """A connection of its own: what looks for work must not keep requests waiting."""
        url, tenant = self.settings.need_database(), self.settings.tenant
        return database.connected(url, name="backfill-serve planning", tenant=tenant)
