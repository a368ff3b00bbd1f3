"""Go on with a job whose queueing ended early."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from backfill import database, parameters, schema
from backfill.blockers import Watch
from backfill.console import ledger, need_database, watching_locks
from backfill.definition import ColumnBackfill
from backfill.errors import ConflictError
from backfill.fingerprint import is_comparable
from backfill.ledger import jobs, planning
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.producers import production, summary
from backfill.producers.preparation import prepare
from backfill.producers.screen import Screen
from backfill.settings import Settings

POLL_SECONDS: Final = 0.5


async def resume(settings: Settings, reference: str, app: dict[str, ColumnBackfill], screen: Screen) -> dict[str, Any]:
    """Go on queueing a job; raises ConflictError while another producer plans it."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.translated(need_database(settings)))
        watch = await stack.enter_async_context(watching_locks(settings, "queue"))
        connection = await stack.enter_async_context(ledger(settings, "queue", watch))
        await schema.check(connection)
        job = await jobs.read(connection, await jobs.find(connection, reference))
        definition = app.get(job.backfill)
        if definition is None:
            raise ConflictError(
                f"job {job.id} is for {job.backfill!r}, which the app does not have; it has: {', '.join(app)}"
            )
        producer = uuid4()
        job = await jobs.lead(connection, job.id, producer)
        async with production.leading(settings, job.id, producer):
            return await go_on(settings, definition, connection, job, producer, screen, stack, watch)


async def until_led(connection: "asyncpg.Connection[Any]", job_id: UUID, producer: UUID, screen: Screen) -> Job | None:
    """Lead the planning as soon as nobody else does; None once the job is planned whole, or has ended."""
    is_told = False
    while True:
        now = await jobs.read(connection, job_id)
        if now.planned_at is not None or now.completed_at is not None:
            return None
        if (job := await jobs.try_lead(connection, job_id, producer)) is not None:
            return job
        if not is_told:
            screen.say(
                f"Job {job_id} is being planned by another producer; waiting until it is done, or its lease ends "
                f"({jobs.PRODUCER_LEASE_SECONDS:g} s after its last sign of life)."
            )
            is_told = True
        await asyncio.sleep(POLL_SECONDS)


async def go_on(
    settings: Settings,
    definition: ColumnBackfill,
    connection: "asyncpg.Connection[Any]",
    job: Job,
    producer: UUID,
    screen: Screen,
    stack: AsyncExitStack,
    watch: Watch,
) -> dict[str, Any]:
    """Queue what is left of a job that this producer leads."""
    definition = parameters.of_job(definition, job.parameters)
    if is_comparable(job.definition_hash) and definition.fingerprint() != job.definition_hash:
        screen.warn(f"{job.backfill} has changed since job {job.id} was opened")
    publisher = await production.publisher(settings, definition, stack, screen)
    screen.say(f"Job: {job.id} ({job.records_matched:,} records planned before)")
    watch.beat = partial(jobs.lead, job_id=job.id, producer=producer)
    request = _request(job, await jobs.record_ids(connection, job.id))
    prepared = await watch.patiently(lambda: prepare(connection, definition, request, job))
    planned = (await planning.count_planned(connection, job.id))["records"]
    left = 0 if job.planned_at is not None else prepared.matched
    if job.record_limit is not None:
        left = min(left, job.record_limit - planned)
    prepared = replace(prepared, matched=planned + left)
    queued = await production.produce(
        settings, prepared, job, publisher, producer, screen, stack, watch, prepared.matched
    )
    return {**summary.as_json(settings, prepared), "job": str(job.id), "queued": queued, "resumed": True}


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
