"""Queue the records of a request whole: open a job, produce it; or show what that would be."""

from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import uuid4

from backfill import rights
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.inside import inside
from backfill.ledger import idempotency, jobs
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.passes import Series
from backfill.producers import coverage, opening, preparing, production, requirements, resumption, summary
from backfill.producers.parts import Parts


async def dry_run(parts: Parts, definition: Definition, request: Request) -> dict[str, Any]:
    """Show what would be queued; nothing is written or published."""
    async with inside([definition]):
        prepared = await preparing.prepare(parts, definition, request)
    plan = await parts.watch.patiently(lambda: prepared.shown(parts.connection))
    summary.describe(parts, prepared)
    for line in plan.lines():
        parts.report.say(line)
    missing = [str(lack) for lack in await requirements.missing(parts, definition)]
    for lack in missing:
        parts.report.say(f"Required and missing: {lack}")
    parts.report.say("Dry run: nothing was written or published.")
    return {**summary.as_json(parts, prepared), "dry_run": True, **asdict(plan), "missing": missing}


async def queue(
    parts: Parts,
    definition: Definition,
    request: Request,
    *,
    met: Collection[str] = (),
    series: Series | None = None,
    goes_on: bool = True,
) -> dict[str, Any]:
    """Open a job for the request and queue it whole; with an idempotency key that was used, that job.

    Raises RequiredError, before anything is written, for what the definition requires and was not completed; what is
    `met` counts as completed. With a series the job is its next pass; one that is under way is gone on with. Where
    somebody else sees to jobs that are not planned whole, it `goes_on` with none, and only says which one it is.
    """
    async with inside([definition]):
        return await _queue(parts, definition, request, met, series, goes_on)


async def _queue(
    parts: Parts,
    definition: Definition,
    request: Request,
    met: Collection[str],
    series: Series | None,
    goes_on: bool,
) -> dict[str, Any]:
    while True:
        if series is not None and (job := await opening.active_pass(parts, definition, request)) is not None:
            return await _go_on(parts, definition, job, "is a pass that is under way")
        if (job := await opening.existing(parts, definition, request)) is not None:
            how = "was opened with this idempotency key"
            return await (_go_on(parts, definition, job, how) if goes_on else _existing(parts, job, how))
        await requirements.need(parts, definition, met)
        prepared = await preparing.prepare(parts, definition, request)
        summary.describe(parts, prepared)
        if prepared.is_empty:
            parts.report.say("Nothing to do.")
            return {**summary.as_json(parts, prepared), "job": None, "queued": 0}
        await rights.need_to_open(parts.connection, definition, works=not parts.sends)
        a_pass = None
        if series is not None and isinstance(definition, ColumnBackfill):
            before = await parts.watch.patiently(partial(coverage.count, parts.connection, definition, request.mode))
            parts.report.say(f"Coverage: {before}")
            a_pass = series, before
        # Reached before a job is opened: a job that cannot be queued is worse than none.
        async with parts.publisher(definition.name) as publisher, AsyncExitStack() as beside:
            counted = None
            if a_pass is None and isinstance(definition, ColumnBackfill):
                counted = await beside.enter_async_context(coverage.beside(parts, definition, request.mode))
            if (led := await opening.opened(parts, prepared, a_pass)) is not None:
                if counted is not None:
                    counted.set_result(led.job.id)
                async with opening.leading(parts, led.job.id, led.producer):
                    queued = await production.produce(parts, led, publisher)
                return {**summary.as_json(parts, prepared), "job": str(led.job.id), "queued": queued}


async def _go_on(parts: Parts, definition: Definition, job: Job, how: str) -> dict[str, Any]:
    """Plan a job that is there whole; raises ConflictError when it came to nothing."""
    producer = uuid4()
    if (led := await resumption.until_led(parts, job.id, producer)) is not None:
        parts.report.say(f"Job {job.id} {how}, and is not planned whole.")
        return await resumption.go_on(parts, definition, led, producer)
    return await _existing(parts, job, how)


async def _existing(parts: Parts, job: Job, how: str) -> dict[str, Any]:
    """Say how a job stands; raises ConflictError when it came to nothing."""
    job = await jobs.read(parts.connection, job.id)
    if job.idempotency_key is not None:
        idempotency.need_wanted(job)
    parts.report.say(f"Job {job.id} {how}; it is {job.state.value}.")
    return {"job": str(job.id), "state": job.state.value, "existing": True}
