"""Go on with a job whose queueing ended early."""

import asyncio
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from backfill import log, parameters
from backfill.definition import Definition
from backfill.errors import ConflictError
from backfill.fingerprint import is_comparable
from backfill.inside import inside
from backfill.ledger import jobs, planning
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.producers import opening, preparing, production, summary
from backfill.producers.opening import Led
from backfill.producers.parts import Parts

POLL_SECONDS: Final = 0.5


async def resume(
    parts: Parts, reference: str, app: dict[str, Definition], backfill: str | None = None
) -> dict[str, Any]:
    """Go on queueing a job; raises ConflictError while another producer plans it, and for one of another backfill."""
    job = await jobs.read(parts.connection, await jobs.find(parts.connection, reference))
    if backfill not in (None, job.backfill):
        raise ConflictError(f"job {job.id} is for {job.backfill!r}, not for {backfill!r}")
    definition = app.get(job.backfill)
    if definition is None:
        raise ConflictError(
            f"job {job.id} is for {job.backfill!r}, which the app does not have; it has: {', '.join(app)}"
        )
    producer = uuid4()
    return await go_on(parts, definition, await jobs.lead(parts.connection, job.id, producer), producer)


async def until_led(parts: Parts, job_id: UUID, producer: UUID) -> Job | None:
    """Lead the planning as soon as nobody else does; None once the job is planned whole, or has ended."""
    is_told = False
    while True:
        now = await jobs.read(parts.connection, job_id)
        if now.planned_at is not None or now.completed_at is not None:
            return None
        if (job := await jobs.try_lead(parts.connection, job_id, producer)) is not None:
            return job
        if not is_told:
            parts.report.say(
                f"Job {job_id} is being planned by another producer; waiting until it is done, or its lease ends "
                f"({jobs.PRODUCER_LEASE_SECONDS:g} s after its last sign of life)."
            )
            is_told = True
        await asyncio.sleep(POLL_SECONDS)


async def go_on(parts: Parts, definition: Definition, job: Job, producer: UUID) -> dict[str, Any]:
    """Queue what is left of a job that this producer leads."""
    async with opening.leading(parts, job.id, producer):
        definition = parameters.of_job(definition, job.parameters)
        if is_comparable(job.definition_hash) and definition.fingerprint() != job.definition_hash:
            parts.report.warn(f"{job.backfill} has changed since job {job.id} was opened")
        async with inside([definition]), parts.publisher(definition.name) as publisher:
            log.regard(job.id)
            parts.report.say(f"Job: {job.id} ({job.records_matched:,} records planned before)")
            parts.opened(job.id)
            parts.watch.beat = partial(jobs.renew_lead, job_id=job.id, producer=producer)
            request = _request(job, await jobs.record_ids(parts.connection, job.id))
            prepared = await preparing.prepare(parts, definition, request, job)
            planned = (await planning.count_planned(parts.connection, job.id))["records"]
            left = 0 if job.planned_at is not None else prepared.matched
            if job.record_limit is not None:
                left = min(left, job.record_limit - planned)
            prepared = prepared.of(planned + left)
            queued = await production.produce(parts, Led(job, prepared, producer), publisher)
    return {**summary.as_json(parts, prepared), "job": str(job.id), "queued": queued, "resumed": True}


def _request(job: Job, ids: tuple[str, ...]) -> Request:
    return Request(
        job.mode,
        job.priority,
        job.sort_order,
        job.batch_size,
        job.record_limit,
        ids,
        job.after_key,
        job.idempotency_key,
    )
