"""Plan a job and work on it at the same time, in this process: where producers and workers meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from backfill import database
from backfill.api import planning as plans
from backfill.api.planning import Plan
from backfill.cancelling import cancel
from backfill.definition import Definition
from backfill.errors import BackfillError, UnreachableError
from backfill.ledger import progress
from backfill.ledger.progress import Progress
from backfill.producers.parts import Report
from backfill.settings import Settings
from backfill.states import ENDED
from backfill.workers.links.parts import Options, Parts, Place
from backfill.workers.links.unlinked import to_the_ledger
from backfill.workers.lookout import Lookout
from backfill.workers.worker import Worker

if TYPE_CHECKING:
    import asyncpg

LOOK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 2.0  # for what is in hand, when the call is cancelled


class Watcher(Protocol):
    """Who is shown how the job stands, every second."""

    def look(self, now: Progress) -> None:
        """It stands so."""


@dataclass(frozen=True)
class Ran:
    """What a run came to."""

    queued: dict[str, Any]  # what planning says of itself; empty where it did not end
    progress: Progress | None  # None: there is no job


class Run:
    """One job, from its planning to its end."""

    def __init__(
        self,
        settings: Settings,
        definition: Definition,
        report: Report,
        *,
        concurrency: int,
        stats_interval: int,
        ends_process: bool,
        watcher: Watcher | None = None,
        worker: UUID | None = None,
    ) -> None:
        self._settings = settings
        self._definition = definition
        self._report = report
        self._watcher = watcher
        self._stopping = asyncio.Event()
        self._opened = asyncio.Event()
        self._look = asyncio.Event()
        self._job: UUID | None = None
        self._planning: asyncio.Task[dict[str, Any]] | None = None
        # It holds no messages: nobody must think that some of a queue's are with it.
        options = Options(0, concurrency, stats_interval, burst=False, max_records=None, ends_process=ends_process)
        self._worker = Worker(settings, {definition.name: definition}, options, report.say, worker, link=self._link)

    @property
    def lookout(self) -> Lookout:
        """What ends computations that take too long."""
        return self._worker.lookout

    @property
    def job(self) -> UUID | None:
        """Which job it is, once that is known."""
        return self._job

    def stop(self) -> None:
        """Finish what is in hand, give back the rest, end."""
        self._stopping.set()
        self._worker.stop()
        if (
            self._planning is not None and not self._planning.cancelling()
        ):  # once: it gives the lead back on its way out
            self._planning.cancel()

    async def work(self, plan: Plan) -> Ran:
        """Plan and work until the job has ended, cannot go on before it is corrected, or this is stopped.

        Raises what the planning or the working raises.
        """
        if self._stopping.is_set():
            return Ran({}, None)
        self._planning = planning = asyncio.create_task(self._plan(plan), name="planning")
        opened = asyncio.create_task(self._opened.wait(), name="opening")
        tasks: set[asyncio.Task[Any]] = {planning, opened}
        try:
            await asyncio.wait({planning, opened}, return_when=asyncio.FIRST_COMPLETED)
            if self._job is None and not planning.cancelled() and (known := planning.result().get("job")):
                self._job = UUID(known)  # of an idempotency key, and planned whole
            if self._job is None:
                return Ran({} if planning.cancelled() else planning.result(), None)
            working = asyncio.create_task(self._worker.run(), name="working")
            tasks.add(working)
            watching = asyncio.create_task(self._watch(self._watcher), name="watching")
            tasks.add(watching)
            await asyncio.wait({planning, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self._look.set()
                if not planning.cancelled() and planning.exception() is not None:
                    self._worker.stop()
                await asyncio.wait({working})
            # A small job may be done before its planner has said so; it has nothing left to do but that.
            await asyncio.wait({planning}, timeout=GRACE_SECONDS)
            self.stop()
            await asyncio.wait({planning}, timeout=GRACE_SECONDS)
            await cancel({planning})  # an error on its way out may have hidden that it was to end
            working.result()
            now = await self._read()
            error = None if planning.cancelled() else planning.exception()
            if error is not None and now.state not in ENDED:  # else it is that it had ended
                raise error
            return Ran({} if planning.cancelled() or error is not None else planning.result(), now)
        finally:
            self.stop()
            try:  # cancelled: a claim that is cut off under way would be held until its lease ends
                await asyncio.wait(tasks - {opened}, timeout=GRACE_SECONDS)
            finally:
                await cancel(tasks)
                for one in tasks:  # of several errors the first is raised, and none is left to the loop
                    _ = one.cancelled() or one.exception()

    async def _plan(self, plan: Plan) -> dict[str, Any]:
        """Plan to the end, also over an outage of the database, as workers outlive it."""
        while True:
            try:
                async with plans.alone(self._settings, _Quieter(self._report, self._stopping), self._open) as parts:
                    return await plan(parts)
            except UnreachableError as error:
                if self._job is None:
                    raise
                cause = str(error).partition("; what is planned")[0]
                self._report.warn(f"planning was cut off ({cause}); it goes on as soon as PostgreSQL answers")
                plan = plans.rest_of(self._job, self._definition)
            await asyncio.sleep(AGAIN_SECONDS)

    def _open(self, job_id: UUID) -> None:
        self._job = job_id
        self._opened.set()

    @asynccontextmanager
    async def _link(self, place: Place) -> AsyncIterator[Parts]:
        assert self._job is not None  # noqa: S101 - the worker starts when it is known
        async with to_the_ledger(self._job, self._worker.stop, self._look)(place) as parts:
            yield parts

    async def _watch(self, watcher: Watcher | None) -> None:
        while watcher is not None and not self._stopping.is_set():
            try:
                async with self._connected() as connection:
                    while not self._stopping.is_set():
                        watcher.look(await progress.read(connection, self._need_job()))
                        await self._rest(LOOK_SECONDS)
            except BackfillError:  # whoever works on it says so
                await self._rest(AGAIN_SECONDS)

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _read(self) -> Progress:
        async with self._connected() as connection:
            return await progress.read(connection, self._need_job())

    def _need_job(self) -> UUID:
        assert self._job is not None  # noqa: S101 - asked when it is known
        return self._job

    def _connected(self) -> "AbstractAsyncContextManager[asyncpg.Connection[Any]]":
        return database.connected(self._settings.need_database(), name="backfill-run", tenant=self._settings.tenant)


class _Quieter:
    """A report of planning: what interrupts it in the end is told by whoever ended it."""

    def __init__(self, report: Report, ending: asyncio.Event) -> None:
        self.say, self.warn, self.begin, self.batch = report.say, report.warn, report.begin, report.batch
        self._report = report
        self._ending = ending

    def note(self, text: str) -> None:
        if not self._ending.is_set():
            self._report.note(text)
