"""From a request to a queued job: prepare, open it, plan and publish, report; or go on with the one of its key."""

from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import asyncpg

from backfill import database, log, parameters, schema
from backfill.actor import actor
from backfill.blockers import Watch
from backfill.console import need_database
from backfill.definition import ColumnBackfill
from backfill.errors import ConflictError
from backfill.failpoints import failpoint
from backfill.ledger import idempotency, jobs
from backfill.ledger.jobs import Request
from backfill.producers import production, resumption, summary
from backfill.producers.preparation import canonical, explain, prepare
from backfill.producers.screen import Screen
from backfill.runner import ledger, watching_locks
from backfill.settings import Settings


async def dry_run(settings: Settings, definition: ColumnBackfill, request: Request, screen: Screen) -> dict[str, Any]:
    """Show what would be queued; nothing is written or published."""
    async with watching_locks(settings, "queue") as watch, ledger(settings, "queue", watch) as connection:
        await schema.check(connection)
        prepared = await watch.patiently(lambda: prepare(connection, definition, request))
        plan = await watch.patiently(lambda: explain(connection, prepared))
    summary.describe(settings, screen, prepared)
    predicate = prepared.target.names["predicate"]
    screen.say(f"Predicate: {predicate}")
    for line in plan:
        screen.say(f"    {line}")
    screen.say("Dry run: nothing was written or published.")
    return {**summary.as_json(settings, prepared), "dry_run": True, "predicate": predicate, "query_plan": plan}


async def queue(settings: Settings, definition: ColumnBackfill, request: Request, screen: Screen) -> dict[str, Any]:
    """Open a job for the request and queue it whole; with an idempotency key that was used, that job."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.translated(need_database(settings)))
        watch = await stack.enter_async_context(watching_locks(settings, "queue"))
        connection = await stack.enter_async_context(ledger(settings, "queue", watch))
        await schema.check(connection)
        if existing := await _existing(settings, definition, connection, request, screen, stack, watch):
            return existing
        prepared = await watch.patiently(lambda: prepare(connection, definition, request))
        summary.describe(settings, screen, prepared)
        if prepared.is_empty:
            screen.say("Nothing to do.")
            return {**summary.as_json(settings, prepared), "job": None, "queued": 0}
        publisher = await production.publisher(settings, definition, stack, screen)
        producer = uuid4()
        assert prepared.upper_key is not None  # noqa: S101 - records matched, so there is a highest one
        try:
            job = await jobs.open_job(
                connection,
                prepared.request,
                asset_name=definition.name,
                definition_hash=definition.fingerprint(),
                parameters=parameters.stored(definition),
                upper_key=prepared.upper_key,
                key_range=prepared.key_range,
                producer=producer,
                max_jobs=settings.max_jobs,
                actor=actor(),
            )
        except (asyncpg.UniqueViolationError, ConflictError):
            # Another call with the same key was a moment faster.
            if existing := await _existing(settings, definition, connection, request, screen, stack, watch):
                return existing
            raise
        log.regard(job)
        screen.say(f"Job: {job}")
        failpoint("producer.after_open")
        async with production.leading(settings, job, producer):
            row = await jobs.read(connection, job)
            queued = await production.produce(
                settings, prepared, row, publisher, producer, screen, stack, watch, prepared.matched
            )
        return {**summary.as_json(settings, prepared), "job": str(job), "queued": queued}


async def _existing(
    settings: Settings,
    definition: ColumnBackfill,
    connection: "asyncpg.Connection[Any]",
    request: Request,
    screen: Screen,
    stack: AsyncExitStack,
    watch: Watch,
) -> dict[str, Any] | None:
    """The job of the request's idempotency key, queued whole; None when the key is new.

    Raises ConflictError when the key is another request's, or its job came to nothing.
    """
    if request.idempotency_key is None:
        return None
    job = await idempotency.find(connection, request.idempotency_key)
    if job is None:
        return None
    row = await jobs.read(connection, job)
    if row["asset_name"] == definition.name:
        request = await canonical(connection, definition, request)
    idempotency.need_same(row, request, definition.name, parameters.stored(definition))
    if row["priority"] != request.priority:
        screen.warn(
            f"job {job} has priority {row['priority']}; change it with: "
            f"backfill set {job} --priority={request.priority.value}"
        )
    producer = uuid4()
    if (led := await resumption.until_led(connection, job, producer, screen)) is not None:
        screen.say(f"Job {job} was opened with this idempotency key, and is not planned whole.")
        async with production.leading(settings, job, producer):
            return await resumption.go_on(settings, definition, connection, led, producer, screen, stack, watch)
    row = await jobs.read(connection, job)
    idempotency.need_wanted(row)
    screen.say(f"Job {job} was opened with this idempotency key; it is {row['state']}.")
    return {"job": str(job), "state": row["state"], "existing": True}
