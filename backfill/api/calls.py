"""The calls of the Python API, to be awaited."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from backfill import database, schema
from backfill.api import planning
from backfill.api.asking import Asked, Reference, Wanted, asked, read_settings, reference_of
from backfill.api.collected import Collected
from backfill.api.outcome import Result, trouble
from backfill.api.running import Ran, Run
from backfill.errors import ConflictError, NotEndedError, UnreachableError, UsageError
from backfill.ledger import jobs, progress
from backfill.ledger.progress import Progress
from backfill.settings import Settings
from backfill.states import ENDED

if TYPE_CHECKING:
    import asyncpg

POLL_SECONDS: Final = 0.5
MOST_SLOTS: Final = 64


async def queue(
    definition: Wanted,
    *,
    mode: str | None = None,
    limit: int | None = None,
    batch_size: int | None = None,
    priority: str = "normal",
    order: str = "asc",
    ids: Iterable[Any] = (),
    after: Any = None,
    parameters: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    **settings: Any,
) -> Result:
    """Open a job and queue its records for workers, as `backfill-queue` does.

    `settings` are those of the environment by their names, such as `database_url` and `rabbitmq_url`.
    """
    wanted = asked(
        definition,
        settings,
        mode=mode,
        limit=limit,
        batch_size=batch_size,
        priority=priority,
        order=order,
        ids=ids,
        after=after,
        parameters_given=parameters,
        idempotency_key=idempotency_key,
    )
    return await _apart(_queue(wanted))


async def run(
    definition: Wanted,
    *,
    mode: str | None = None,
    limit: int | None = None,
    batch_size: int | None = None,
    order: str = "asc",
    ids: Iterable[Any] = (),
    after: Any = None,
    parameters: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    resume: Reference | None = None,
    concurrency: int = 3,
    **settings: Any,
) -> Result:
    """Plan a job and work on it here until it has ended, as `backfill run` does; no RabbitMQ is needed.

    Raises FailedError where it failed or records did, GivenUpError where it was cancelled, HaltedError where it waits
    for a corrected definition or table, NotEndedError where this was asked to stop. A record that computes for ever is
    not interrupted: that takes signals, and those belong to whoever has the process.
    """
    if not 1 <= concurrency <= MOST_SLOTS:
        raise UsageError(f"concurrency={concurrency}: give 1 to {MOST_SLOTS}")
    wanted = asked(
        definition,
        settings,
        mode=mode,
        limit=limit,
        batch_size=batch_size,
        order=order,
        ids=ids,
        after=after,
        parameters_given=parameters,
        idempotency_key=idempotency_key,
    )
    return await _apart(_run(wanted, resume, concurrency))


async def wait(job: Reference, *, timeout: float | None = None, **settings: Any) -> Progress:  # noqa: ASYNC109 - its error says how the job stands
    """Wait until a job has ended, and return how it stands; raises what `run` raises, NotEndedError for a timeout."""
    read, reference = read_settings(settings), reference_of(job)
    until = asyncio.get_running_loop().time() + (float("inf") if timeout is None else timeout)
    known: UUID | None = None
    while True:
        try:
            async with _ledger(read, "wait") as connection:
                known = known or await jobs.find(connection, reference)
                while True:
                    now = await progress.read(connection, known)
                    if (error := trouble(now)) is not None and (now.state in ENDED or now.needs_correction):
                        raise error
                    if now.state in ENDED:
                        return now
                    left = until - asyncio.get_running_loop().time()
                    if left <= 0:
                        raise NotEndedError(
                            f"job {known} is {now.state.value} after {timeout:g} s, with {now.done:,} of "
                            f"{now.matched:,} records done; it goes on"
                        )
                    await asyncio.sleep(min(POLL_SECONDS, left))
        except UnreachableError:  # an outage is waited for, once the job was seen
            if known is None or asyncio.get_running_loop().time() >= until:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def status(job: Reference = "latest", **settings: Any) -> Progress:
    """How far a job is."""
    reference = reference_of(job)
    async with _ledger(read_settings(settings), "status") as connection:
        return await progress.read(connection, await jobs.find(connection, reference))


async def _queue(wanted: Asked) -> Result:
    report = Collected()
    found = await planning.queue(wanted.settings, wanted.definition, wanted.request, report)
    return _result(Ran(found, None), report)


async def _run(wanted: Asked, resume: Reference | None, concurrency: int) -> Result:
    report = Collected()
    plan = planning.whole(wanted.definition, wanted.request)
    if resume is not None:
        async with _ledger(wanted.settings, "run") as connection:
            job_id, backfill = await planning.need_open(connection, reference_of(resume))
        if backfill != wanted.definition.name:
            raise ConflictError(f"job {job_id} is for {backfill!r}, not for {wanted.definition.name!r}")
        plan = planning.rest_of(job_id, wanted.definition)
    run = Run(
        wanted.settings,
        wanted.definition,
        report,
        concurrency=concurrency,
        stats_interval=1_000_000_000,
        ends_process=False,
    )
    ran = await run.work(plan)
    if (now := ran.progress) is not None:
        if (error := trouble(now)) is not None and (now.state in ENDED or now.needs_correction):
            raise error
        if now.state not in ENDED:
            raise NotEndedError(
                f"job {now.job_id} was left {now.state.value}, as this worker was asked to stop; go on with: "
                f"backfill run --resume {now.job_id}"
            )
    return _result(ran, report)


def _result(ran: Ran, report: Collected) -> Result:
    job = ran.queued.get("job")
    id_ = ran.progress.job_id if ran.progress is not None else None if job is None else UUID(job)
    return Result(id_, ran.queued.get("queued", 0), tuple(report.warnings), ran.progress)


async def _apart(work: Coroutine[Any, Any, Result]) -> Result:
    """In a task of its own: what its lines are about is kept in its context, and must not be left in the caller's."""
    return await asyncio.create_task(work)


@asynccontextmanager
async def _ledger(settings: Settings, name: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    url = settings.need_database()
    async with database.connected(url, name=f"backfill-{name}", tenant=settings.tenant) as connection:
        await schema.check(connection)
        yield connection
