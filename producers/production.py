"""From an opened job to a queued one: the connections that it takes, and what is said at its end."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from backfill import database, sessions
from backfill.blockers import Watch
from backfill.broker import BrokerLostError
from backfill.console import need_broker, need_database, note
from backfill.definition import ColumnBackfill
from backfill.errors import BackfillError, SchemaError, UnreachableError
from backfill.ledger import jobs, planning
from backfill.ledger.jobs import Row
from backfill.producers.preparation import Preparation
from backfill.producers.producer import Producer
from backfill.producers.screen import Screen
from backfill.publisher import Publisher
from backfill.runner import ledger
from backfill.settings import Settings


async def publisher(settings: Settings, definition: ColumnBackfill, stack: AsyncExitStack, screen: Screen) -> Publisher:
    """Reach the broker before a job is opened: a job that cannot be queued is worse than none."""
    made = Publisher(
        need_broker(settings),
        name="backfill-queue",
        tenant=settings.tenant,
        heartbeat=settings.heartbeat,
        retry_delays=settings.retry_delays,
        say=screen.warn,
    )
    stack.push_async_callback(made.close)
    await made.prepare(definition.name)
    return made


@asynccontextmanager
async def leading(settings: Settings, job: UUID, producer: UUID) -> AsyncIterator[None]:
    """Give the job's planning back when the block fails: who goes on need not wait for the lease."""
    try:
        yield
    except BaseException:
        with suppress(BackfillError, TimeoutError):
            async with asyncio.timeout(3), ledger(settings, "queue") as connection:
                await planning.leave(connection, job, producer)
        raise


async def produce(
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
    """Plan and publish what is left of a job that this producer leads; returns how many records were queued now."""
    try:
        async with database.translated(need_database(settings)):
            marker = await stack.enter_async_context(ledger(settings, "queue", watch))
            planner = await stack.enter_async_context(ledger(settings, "queue", watch))
            watch.beat = partial(jobs.lead, job=job["id"], producer=identity)
            await sessions.put(marker, sessions.UNFLUSHED)
            target = prepared.target
            if not job["record_ids"]:
                await sessions.put(planner, sessions.READ_IN_KEY_ORDER)
            await stack.enter_async_context(target.session(planner))
            counted = await planning.count_planned(marker, job["id"])
            screen.begin(expected, queued=counted["queued"])
            before, began = screen.records, time.monotonic()
            producer = Producer(planner, marker, publisher, identity, screen.batch, watch)
            try:
                await producer.run(target, job, planning.bounds_of(job, prepared.lower_key))
            except ExceptionGroup as group:
                error = _first(group)
                # To PostgreSQL's translation any lost link is its own.
                raise UnreachableError(f"RabbitMQ: {error}") if isinstance(error, BrokerLostError) else error from group
            finally:
                watch.beat = None
    except asyncio.CancelledError:
        note(f"interrupted; what is planned is safe: go on with backfill-queue --resume {job['id']}")
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
