"""From a request to a queued job: prepare, open or take over, plan and publish, report."""

import asyncio
import shlex
import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from backfill import database, schema, statements
from backfill.blockers import Watch
from backfill.broker import BrokerLostError
from backfill.console import ledger, need_broker, need_database, note, watching_locks
from backfill.database import Connection
from backfill.definition import ColumnBackfill
from backfill.errors import BackfillError, ConflictError, SchemaError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import jobs, planning
from backfill.ledger.jobs import Request, Row
from backfill.modes import Mode
from backfill.publisher import Publisher
from backfill.settings import Settings
from producers import summary
from producers.preparation import Preparation, explain, prepare
from producers.producer import Producer
from producers.screen import Screen


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
    """Open a job for the request and queue it whole; an idempotency key that was used shows its job instead."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.translated(need_database(settings)))
        watch = await stack.enter_async_context(watching_locks(settings, "queue"))
        connection = await stack.enter_async_context(ledger(settings, "queue", watch))
        await schema.check(connection)
        if existing := await _existing(connection, request, screen):
            return existing
        prepared = await watch.patiently(lambda: prepare(connection, definition, request))
        summary.describe(settings, screen, prepared)
        if prepared.is_empty:
            screen.say("Nothing to do.")
            return {**summary.as_json(settings, prepared), "job": None, "queued": 0}
        publisher = await _publisher(settings, definition, stack)
        producer = uuid4()
        assert prepared.upper_key is not None  # noqa: S101 - records matched, so there is a highest one
        try:
            job = await jobs.open_job(
                connection,
                prepared.request,
                asset_name=definition.name,
                definition_hash=definition.fingerprint(),
                upper_key=prepared.upper_key,
                key_range=prepared.key_range,
                producer=producer,
                max_jobs=settings.max_jobs,
            )
        except (asyncpg.UniqueViolationError, ConflictError):
            # Another call with the same key was a moment faster.
            if existing := await _existing(connection, request, screen):
                return existing
            raise
        screen.say(f"Job: {job}")
        failpoint("producer.after_open")
        row = await jobs.read(connection, job)
        queued = await _produce(settings, prepared, row, publisher, producer, screen, stack, watch, prepared.matched)
        return {**summary.as_json(settings, prepared), "job": str(job), "queued": queued}


async def _existing(connection: Connection, request: Request, screen: Screen) -> dict[str, Any] | None:
    """What to show when the request's idempotency key was used before."""
    if request.idempotency_key is None:
        return None
    job = await jobs.by_idempotency_key(connection, request.idempotency_key)
    if job is None:
        return None
    row = await jobs.read(connection, job)
    screen.say(f"Job {job} was opened with this idempotency key; it is {row['state']}.")
    return {"job": str(job), "state": row["state"], "existing": True}


async def resume(settings: Settings, reference: str, app: dict[str, ColumnBackfill], screen: Screen) -> dict[str, Any]:
    """Go on queueing a job whose producer ended early; raises ConflictError while another one plans it."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(database.translated(need_database(settings)))
        watch = await stack.enter_async_context(watching_locks(settings, "queue"))
        connection = await stack.enter_async_context(ledger(settings, "queue", watch))
        await schema.check(connection)
        row = await jobs.read(connection, await jobs.find(connection, reference))
        definition = app.get(row["asset_name"])
        if definition is None:
            raise ConflictError(
                f"job {row['id']} is for {row['asset_name']!r}, which the app does not have; it has: {', '.join(app)}"
            )
        if definition.fingerprint() != row["definition_hash"]:
            screen.warn(f"{row['asset_name']} has changed since job {row['id']} was opened")
        publisher = await _publisher(settings, definition, stack)
        producer = uuid4()
        row = await jobs.lead(connection, row["id"], producer)
        screen.say(f"Job: {row['id']} ({row['records_matched']:,} records planned before)")
        watch.beat = partial(jobs.lead, job=row["id"], producer=producer)
        prepared = await watch.patiently(lambda: prepare(connection, definition, _request(row)))
        queued = await _produce(
            settings,
            prepared,
            row,
            publisher,
            producer,
            screen,
            stack,
            watch,
            max(prepared.matched, row["records_matched"]),
        )
        return {**summary.as_json(settings, prepared), "job": str(row["id"]), "queued": queued, "resumed": True}


def _request(row: Row) -> Request:
    from backfill.modes import Priority

    return Request(
        Mode(row["mode"]),
        Priority(row["priority"]),
        row["sort_order"],
        row["batch_size"],
        row["record_limit"],
        tuple(row["record_ids"] or ()),
        row["after_key"],
        row["idempotency_key"],
    )


async def _publisher(settings: Settings, definition: ColumnBackfill, stack: AsyncExitStack) -> Publisher:
    """Reach the broker before a job is opened: a job that cannot be queued is worse than none."""
    publisher = Publisher(
        need_broker(settings),
        name="backfill-queue",
        tenant=settings.tenant,
        heartbeat=settings.heartbeat,
        retry_delays=settings.retry_delays,
    )
    stack.push_async_callback(publisher.close)
    await publisher.prepare(definition.name)
    return publisher


async def _produce(
    settings: Settings,
    prepared: Preparation,
    job: Row,
    publisher: Publisher,
    identity: UUID,
    screen: Screen,
    stack: AsyncExitStack,
    watch: Watch,
    expected: int,
) -> int:
    marker = await stack.enter_async_context(ledger(settings, "queue", watch))
    planner = await stack.enter_async_context(ledger(settings, "queue", watch))
    watch.beat = partial(jobs.lead, job=job["id"], producer=identity)
    await marker.execute("SET synchronous_commit = off")
    target = prepared.target
    if not job["record_ids"]:
        await planner.execute(statements.read("ledger/read_in_key_order"))
    await stack.enter_async_context(target.session(planner))
    counted = await planning.count_planned(marker, job["id"])
    # The table may be empty by now: then the highest key is the only one that there is to look at.
    lower = job["upper_key"] if prepared.lower_key is None else prepared.lower_key
    bounds = planning.bounds(job["sort_order"], lower, job["upper_key"], job["after_key"])
    screen.begin(expected, queued=0 if job["cursor_key"] is None else counted["records"])
    before = screen.records
    began = time.monotonic()
    producer = Producer(planner, marker, publisher, identity, screen.batch, watch)
    try:
        async with database.translated(need_database(settings)):
            try:
                await producer.run(target, job, bounds)
            except ExceptionGroup as group:
                error = _first(group)
                # To PostgreSQL's translation any lost link is its own.
                raise UnreachableError(f"RabbitMQ: {error}") if isinstance(error, BrokerLostError) else error from group
            finally:
                watch.beat = None
    except asyncio.CancelledError:
        note(f"interrupted; what is planned is safe: go on with backfill-queue --resume {job['id']}")
        with suppress(BackfillError, TimeoutError):
            async with asyncio.timeout(3), ledger(settings, "queue") as connection:
                await planning.leave(connection, job["id"], identity)
        raise
    except SchemaError as error:  # going on would find the same
        raise SchemaError(f"{error}; give the job up with: backfill cancel {job['id']} --reason=TEXT") from error
    except UnreachableError as error:
        raise UnreachableError(
            f"{error}; what is planned is safe: go on with backfill-queue --resume {job['id']}"
        ) from error
    seconds = time.monotonic() - began
    queued = screen.records - before
    rate = f", {queued / seconds:,.0f}/sec" if seconds > 0 else ""
    screen.say(f"Queued {queued:,} records in {screen.batches:,} batches ({seconds:.1f} s{rate}).")
    if producer.last_key is not None:
        screen.say(
            f"The limit ends behind key {producer.last_key}. What workers leave as it is comes first in the next run "
            f"again; to go on behind it: --after={shlex.quote(producer.last_key)}"
            + (" --order=desc" if job["sort_order"] == "desc" else "")
        )
    screen.say(f"Start workers with: backfill-worker {target.definition.name}")
    screen.say(f"Follow the job with: backfill status {job['id']}")
    return queued


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the producer's tasks; what followed it was cancelled."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
