"""Go on with a job whose queueing ended early."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from backfill import database, log, parameters, schema
from backfill.blockers import Watch
from backfill.console import need_database
from backfill.definition import ColumnBackfill
from backfill.errors import ConflictError
from backfill.fingerprint import is_comparable
from backfill.ledger import jobs, planning
from backfill.ledger.jobs import Request, Row
from backfill.modes import Mode, Priority
from backfill.producers import production, summary
from backfill.producers.preparation import prepare
from backfill.producers.screen import Screen
from backfill.runner import ledger, watching_locks
from backfill.settings import Settings

POLL_SECONDS: Final = 0.5


async def resume(settings: Settings, reference: str, app: dict[str, ColumnBackfill], screen: Screen) -> dict[str, Any]:
    """Go on queueing a job; raises ConflictError while another producer plans it."""
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
        producer = uuid4()
        row = await jobs.lead(connection, row["id"], producer)
        async with production.leading(settings, row["id"], producer):
            return await go_on(settings, definition, connection, row, producer, screen, stack, watch)


async def until_led(connection: "asyncpg.Connection[Any]", job: UUID, producer: UUID, screen: Screen) -> Row | None:
    """Lead the planning as soon as nobody else does; None once the job is planned whole, or has ended."""
    is_told = False
    while True:
        now = await jobs.read(connection, job)
        if now["planned_at"] is not None or now["completed_at"] is not None:
            return None
        if (row := await jobs.try_lead(connection, job, producer)) is not None:
            return row
        if not is_told:
            screen.say(
                f"Job {job} is being planned by another producer; waiting until it is done, or its lease ends "
                f"({jobs.PRODUCER_LEASE_SECONDS:g} s after its last sign of life)."
            )
            is_told = True
        await asyncio.sleep(POLL_SECONDS)


async def go_on(
    settings: Settings,
    definition: ColumnBackfill,
    connection: "asyncpg.Connection[Any]",
    job: Row,
    producer: UUID,
    screen: Screen,
    stack: AsyncExitStack,
    watch: Watch,
) -> dict[str, Any]:
    """Queue what is left of a job that this producer leads."""
    definition = parameters.of_job(definition, parameters.decoded(job["parameters"]))
    if is_comparable(job["definition_hash"]) and definition.fingerprint() != job["definition_hash"]:
        screen.warn(f"{job['asset_name']} has changed since job {job['id']} was opened")
    publisher = await production.publisher(settings, definition, stack, screen)
    log.regard(job["id"])
    screen.say(f"Job: {job['id']} ({job['records_matched']:,} records planned before)")
    watch.beat = partial(jobs.lead, job=job["id"], producer=producer)
    prepared = await watch.patiently(lambda: prepare(connection, definition, _request(job), job))
    planned = (await planning.count_planned(connection, job["id"]))["records"]
    left = 0 if job["planned_at"] is not None else prepared.matched
    if job["record_limit"] is not None:
        left = min(left, job["record_limit"] - planned)
    prepared = replace(prepared, matched=planned + left)
    queued = await production.produce(
        settings, prepared, job, publisher, producer, screen, stack, watch, prepared.matched
    )
    return {**summary.as_json(settings, prepared), "job": str(job["id"]), "queued": queued, "resumed": True}


def _request(row: Row) -> Request:
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
