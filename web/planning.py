"""Plans jobs in the background of a server: those that are opened through it, and those that others have left.

A job's producer has a lease on it. Whoever finds a job whose lease has ended may go on, and the ledger lets one at a
time: a server that is killed while it plans is followed by any other, or by itself once it is started again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4

from backfill import database, log
from backfill.actor import actor
from backfill.api import planning as plans
from backfill.api.collected import Collected
from backfill.cancelling import cancel
from backfill.definition import Definition
from backfill.errors import BackfillError, UnreachableError
from backfill.ledger import events, jobs
from backfill.ledger.jobs import Request
from backfill.producers import queueing, resumption
from backfill.producers.parts import Parts, built
from backfill.settings import Settings
from backfill.texts import in_a_line
from backfill.web.patience import Patience

MOST_AT_ONCE: Final = 4  # each has up to four connections of its own
LOOK_SECONDS: Final = 2.0
TELL_SECONDS: Final = 3.0


@dataclass(frozen=True)
class Opened:
    """What became of a request."""

    job_id: UUID | None  # None: no record matched
    is_new: bool
    warnings: tuple[str, ...]


class Planning:
    """Of one server; `run` looks for jobs that were left, `close` gives back what is under way."""

    def __init__(self, settings: Settings, definitions: dict[str, Definition], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._definitions = definitions
        self._say = say
        self._warn = partial(log.warn, say)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._planned: set[UUID] = set()  # here, now
        self._patience = Patience()
        self._is_closed = False

    async def open(self, definition: Definition, request: Request, by: str) -> Opened:
        """Open a job and return; its planning goes on. With an idempotency key that was used, that job.

        Raises UnreachableError where as many are planned as this server plans at once, and what opening a job raises.
        What has begun is finished although the caller has gone.
        """
        report, opened = Collected(), asyncio.Event()
        found: list[UUID] = []

        def tell(job_id: UUID) -> None:
            found.append(job_id)
            self._planned.add(job_id)
            opened.set()

        task = self._begin(self._open(definition, request, by, report, tell, found))
        told = asyncio.ensure_future(opened.wait())
        try:
            await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
        if found:
            return Opened(found[0], True, tuple(report.warnings))
        job = task.result()["job"]
        return Opened(UUID(job) if job else None, False, tuple(report.warnings))

    async def dry_run(self, definition: Definition, request: Request) -> dict[str, Any]:
        """Show what a job would be; nothing is written."""
        report = Collected()
        task = self._begin(plans.dry_run(self._settings, definition, request, report))
        await asyncio.wait({task})
        return {**task.result(), "warnings": report.warnings}

    async def run(self) -> None:
        """Go on with jobs that were left, until cancelled; an absent database is waited for."""
        while True:
            try:
                async with self._connected() as connection:
                    while True:
                        await self._look(connection)
                        await asyncio.sleep(LOOK_SECONDS)
            except Exception as error:
                if not isinstance(error, BackfillError) and not database.is_transient(error):
                    raise
            await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """End what is under way; each gives the lead of its job back."""
        self._is_closed = True
        await cancel(self._tasks)

    async def _look(self, connection: Any) -> None:
        left = await jobs.left(connection, list(self._definitions))
        self._patience.keep({job_id for job_id, _ in left} | self._planned)
        for job_id, backfill in left:
            if len(self._tasks) >= MOST_AT_ONCE:
                return
            if job_id not in self._planned and self._patience.is_over(job_id):
                self._planned.add(job_id)
                self._begin(self._adopt(job_id, self._definitions[backfill]))

    async def _open(
        self,
        definition: Definition,
        request: Request,
        by: str,
        report: Collected,
        tell: Callable[[UUID], None],
        found: list[UUID],
    ) -> dict[str, Any]:
        try:
            async with self._parts(report) as parts:
                told = replace(parts, opened=tell, actor=by)
                return await queueing.queue(told, definition, request, goes_on=False)
        except Exception as error:
            if found:  # the caller has gone, with the job's id
                await self._tell(found[0], error)
            raise
        finally:
            self._planned.difference_update(found)

    async def _adopt(self, job_id: UUID, definition: Definition) -> None:
        log.regard(job_id)
        producer = uuid4()
        try:
            async with self._parts(_Quiet(self._warn)) as parts:
                if (job := await jobs.try_lead(parts.connection, job_id, producer)) is None:
                    return
                self._say(f"Goes on with the planning of job {job_id}, which its producer has left.")
                await self._remember(parts.connection, job_id, "job.planning_adopted", {})
                await resumption.go_on(parts, definition, job, producer)
        except Exception as error:
            await self._tell(job_id, error)
        finally:
            self._planned.discard(job_id)

    async def _tell(self, job_id: UUID, error: Exception) -> None:
        """Say what the planning died of, and leave it with the job's events; it is tried again after a while."""
        what = str(error) if isinstance(error, BackfillError) else in_a_line(error)
        is_new = self._patience.lengthen(job_id, what, monotonic())
        self._warn(f"Planning job {job_id} has ended early: {what}")
        if not is_new:  # once: it may go on like this for hours
            return
        with suppress(Exception):
            async with asyncio.timeout(TELL_SECONDS), self._connected() as connection:
                await self._remember(connection, job_id, "job.planning_failed", {"error": what})

    async def _remember(self, connection: Any, job_id: UUID, event: str, details: dict[str, Any]) -> None:
        async with connection.transaction(isolation="read_committed"):
            await events.act(connection, actor())
            await events.remember(connection, job_id, event, details)

    def _begin(self, work: Any) -> "asyncio.Task[Any]":
        if self._is_closed or len(self._tasks) >= MOST_AT_ONCE:
            work.close()
            why = "ends" if self._is_closed else f"opens or plans {MOST_AT_ONCE} jobs, as many as it does at once"
            raise UnreachableError(f"this server {why}; try again in a moment")
        task = asyncio.create_task(work, name="planning")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has it, or it was told

    @asynccontextmanager
    async def _parts(self, report: Any) -> AsyncIterator[Parts]:
        """With messages where there is a broker; without one, workers find a job in the ledger."""
        made = built if self._settings.rabbitmq_url else plans.alone
        async with made(self._settings, report) as parts:
            yield parts

    def _connected(self) -> Any:
        settings = self._settings
        return database.connected(settings.need_database(), name="backfill-serve planning", tenant=settings.tenant)


class _Quiet(Collected):
    """Hands warnings on at once: nobody waits for them."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        super().__init__()
        self._hear = hear

    def warn(self, text: str) -> None:
        self._hear(text)
