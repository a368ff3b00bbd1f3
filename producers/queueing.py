"""Queue the records of a request whole: open a job, produce it; or show what that would be."""

from typing import Any
from uuid import uuid4

from backfill.column_backfill import ColumnBackfill
from backfill.ledger import idempotency, jobs
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.producers import opening, production, resumption, summary
from backfill.producers.parts import Parts
from backfill.producers.preparation import explain, prepare
from backfill.texts import one_line


async def dry_run(parts: Parts, definition: ColumnBackfill, request: Request) -> dict[str, Any]:
    """Show what would be queued; nothing is written or published."""
    prepared = await parts.watch.patiently(lambda: prepare(parts.connection, definition, request))
    plan = await parts.watch.patiently(lambda: explain(parts.connection, prepared))
    summary.describe(parts, prepared)
    predicate = prepared.target.names["predicate"]
    parts.report.say(f"Predicate: {one_line(predicate)}")
    for line in plan:
        parts.report.say(f"    {line}")
    parts.report.say("Dry run: nothing was written or published.")
    return {**summary.as_json(parts, prepared), "dry_run": True, "predicate": predicate, "query_plan": plan}


async def queue(parts: Parts, definition: ColumnBackfill, request: Request) -> dict[str, Any]:
    """Open a job for the request and queue it whole; with an idempotency key that was used, that job."""
    while True:
        if (job := await opening.existing(parts, definition, request)) is not None:
            return await _go_on(parts, definition, job)
        prepared = await parts.watch.patiently(lambda: prepare(parts.connection, definition, request))
        summary.describe(parts, prepared)
        if prepared.is_empty:
            parts.report.say("Nothing to do.")
            return {**summary.as_json(parts, prepared), "job": None, "queued": 0}
        # Reached before a job is opened: a job that cannot be queued is worse than none.
        async with parts.publisher(definition.name) as publisher:
            if (led := await opening.opened(parts, prepared)) is not None:
                async with opening.leading(parts, led.job.id, led.producer):
                    queued = await production.produce(parts, led, publisher)
                return {**summary.as_json(parts, prepared), "job": str(led.job.id), "queued": queued}


async def _go_on(parts: Parts, definition: ColumnBackfill, job: Job) -> dict[str, Any]:
    """Plan a job of an idempotency key whole; raises ConflictError when it came to nothing."""
    producer = uuid4()
    if (led := await resumption.until_led(parts, job.id, producer)) is not None:
        parts.report.say(f"Job {job.id} was opened with this idempotency key, and is not planned whole.")
        return await resumption.go_on(parts, definition, led, producer)
    job = await jobs.read(parts.connection, job.id)
    idempotency.need_wanted(job)
    parts.report.say(f"Job {job.id} was opened with this idempotency key; it is {job.state.value}.")
    return {"job": str(job.id), "state": job.state.value, "existing": True}
