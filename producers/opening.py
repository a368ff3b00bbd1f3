"""Open a job for a request, or find the one that its idempotency key belongs to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg

from backfill import log, parameters
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import BackfillError, ConflictError
from backfill.failpoints import failpoint
from backfill.ledger import idempotency, jobs, passes, planning, progress
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.passes import Counted, Series
from backfill.producers.parts import Parts
from backfill.producers.preparation import canonical
from backfill.producers.source import Prepared


@dataclass(frozen=True)
class Led:
    """A job that this producer leads: it alone plans, until its lease on the job ends."""

    job: Job
    prepared: Prepared
    producer: UUID


async def opened(parts: Parts, prepared: Prepared, a_pass: tuple[Series, Counted] | None = None) -> Led | None:
    """The job that was opened; None when another call with the same key, or of the same passes, was a moment faster.

    Raises ConflictError for records that another active job has.
    """
    assert prepared.upper_key is not None  # noqa: S101 - records matched, so there is a highest one
    definition, producer = prepared.definition, uuid4()
    try:
        job_id = await jobs.open_job(
            parts.connection,
            prepared.request,
            backfill=definition.name,
            definition_hash=definition.fingerprint(),
            parameters=parameters.stored(definition),
            upper_key=prepared.upper_key,
            key_range=prepared.key_range,
            scope=prepared.scope,
            producer=producer,
            max_jobs=parts.settings.max_jobs,
            actor=parts.actor,
            a_pass=a_pass,
        )
    except (asyncpg.UniqueViolationError, ConflictError):
        key = prepared.request.idempotency_key
        if key is not None and await idempotency.find(parts.connection, key) is not None:
            return None
        if a_pass is not None and await active_pass(parts, definition, prepared.request) is not None:
            return None
        raise
    log.regard(job_id)
    parts.report.say(f"Job: {job_id}")
    parts.opened(job_id)
    failpoint("producer.after_open")
    async with leading(parts, job_id, producer):
        return Led(await jobs.read(parts.connection, job_id), prepared, producer)


@asynccontextmanager
async def leading(parts: Parts, job_id: UUID, producer: UUID) -> AsyncIterator[None]:
    """Give the job's planning back when the block fails: who goes on need not wait for the lease."""
    try:
        yield
    except BaseException:
        parts.watch.beat = None  # it would take the lead again
        with suppress(BackfillError, TimeoutError):
            async with asyncio.timeout(3), parts.connect() as connection:
                await planning.leave(connection, job_id, producer)
        raise


async def active_pass(parts: Parts, definition: Definition, request: Request) -> Job | None:
    """The pass over the same that is under way."""
    given = parameters.stored(definition)
    job_id = await passes.active(parts.connection, definition.name, request.mode.value, given)
    return None if job_id is None else await jobs.read(parts.connection, job_id)


async def existing(parts: Parts, definition: Definition, request: Request) -> Job | None:
    """The job of the request's idempotency key; None when there is no key, or it is new.

    Raises ConflictError when the key is another request's.
    """
    if request.idempotency_key is None:
        return None
    job_id = await idempotency.find(parts.connection, request.idempotency_key)
    if job_id is None:
        return None
    job = await jobs.read(parts.connection, job_id)
    if job.backfill == definition.name and isinstance(definition, ColumnBackfill):
        request = await canonical(parts.connection, definition, request)
    ids = await jobs.record_ids(parts.connection, job_id)
    idempotency.need_same(job, ids, request, definition.name, parameters.stored(definition))
    for option, then, now in idempotency.changeable(await progress.read(parts.connection, job_id), request):
        parts.report.warn(f"job {job_id} has {option} {then}; change it with: backfill set {job_id} --{option}={now}")
    return job
