"""Jobs in the situations that the runbook is for. What takes processes is made once, and copied for each block."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from backfill.ledger import jobs, operations
from backfill.ledger.job import PlannedPartition
from backfill.publisher import Publisher
from backfill.topology import Topology, declare
from tests.support.definitions import GATE
from tests.support.waiting import eventually
from tests.support.world import World

Build = Callable[[World], Awaitable[None]]

RECORDS, BATCH = 40, 5
NOWHERE: Final = {"RABBITMQ_URL": "amqp://guest:guest@127.0.0.1:1/"}
NO_DATABASE: Final = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
NO_RETRIES: Final = {"BACKFILL_RETRY_DELAYS": ""}


@dataclass(frozen=True)
class Base:
    """A database with a job that real producers and workers have left behind."""

    definition: str
    build: Build


@dataclass(frozen=True)
class Situation:
    """A copy of a base, changed in process; `worker` are the arguments of a live worker."""

    base: str
    prepare: Build
    worker: tuple[str, ...] | None = None
    queued: bool = True  # there is a job
    in_hand: bool = False  # the worker holds partitions until the scene lets them go
    env: dict[str, str] = field(default_factory=dict)


# --- bases


async def _queued(world: World) -> None:
    await world.rows(RECORDS)
    await world.queue("--mode=null", f"--batch-size={BATCH}")


async def _worked(world: World, *arguments: str, **settings: str) -> None:
    worker = world.worker("--burst", *arguments, **settings)
    assert await worker.wait() == 0, worker.output


async def _halfway(world: World) -> None:
    await _queued(world)
    await _worked(world, "--concurrency=1", f"--max-records={3 * BATCH}")


async def _crashed(world: World) -> None:
    await _queued(world)
    worker = world.worker("--concurrency=1", failpoint="worker.after_claim=kill@4")
    await world.until_killed(worker)


async def _completed(world: World) -> None:
    await _queued(world)
    await _worked(world)


async def _failed_records(world: World) -> None:
    """Two records that could not be computed, and can be by now."""
    await world.rows(RECORDS, base="CASE WHEN id IN (3, 17) THEN 1 ELSE 0 END")
    await world.queue("--mode=null", f"--batch-size={BATCH}")
    await _worked(world)
    await world.execute("UPDATE things SET base = 0")


async def _some_failed(world: World) -> None:
    """The first two partitions failed while the inputs were away; those are back."""
    await _queued(world)
    await world.execute("INSERT INTO outage VALUES ('test')")
    rest = "partition_key > '000000002'"
    await world.execute(f"UPDATE backfill_partitions SET not_before = now() + interval '1 day' WHERE {rest}")
    await _worked(world, "--concurrency=1", **NO_RETRIES)
    await world.execute(f"UPDATE backfill_partitions SET not_before = NULL WHERE {rest}")
    await world.execute("DELETE FROM outage")


async def _all_failed(world: World) -> None:
    await _queued(world)
    await world.execute("INSERT INTO outage VALUES ('test')")
    await _worked(world, **NO_RETRIES)
    await world.execute("DELETE FROM outage")


async def _producer_gone(world: World) -> None:
    await world.rows(60)
    producer = world.producer("--mode=null", "--batch-size=1", failpoint="producer.after_plan=kill@2")
    await world.until_killed(producer)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = now() - interval '1 second'")


async def _broken(world: World) -> None:
    await _queued(world)
    wrong = "SELECT id, valu FROM things WHERE id = ANY($1)"
    worker = world.worker(TEST_INPUTS=wrong, BACKFILL_ON_CHANGED_DEFINITION="warn")

    async def paused() -> bool:
        return await world.state() == "paused"

    await eventually(paused, what="the worker pausing the job")
    await world.drain(worker)


KILLMAILS = "backfill.examples.killmails:KillmailValues"


async def _killmails(world: World) -> None:
    """The example's killmails without any value."""
    made_up = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backfill.examples.killmails", "generate", "--killmails=3000", env=world.env
    )
    assert await made_up.wait() == 0


async def _first_thousand(world: World) -> None:
    await _killmails(world)
    await world.queue("--limit=1000")
    await _worked(world)


BASES: Final = {
    "killmails": Base(KILLMAILS, _killmails),
    "first thousand": Base(KILLMAILS, _first_thousand),
    "queued": Base("Counter", _queued),
    "gated": Base("Gated", _queued),
    "halfway": Base("Counter", _halfway),
    "crashed": Base("Counter", _crashed),
    "completed": Base("Counter", _completed),
    "failed records": Base("Poison", _failed_records),
    "some failed": Base("Flaky", _some_failed),
    "all failed": Base("Flaky", _all_failed),
    "producer gone": Base("Counter", _producer_gone),
    "broken": Base("Configured", _broken),
}


# --- situations


async def _as_it_is(world: World) -> None:
    """As somebody who leads has just left it."""
    await rolled_up(world)
    await _aged(world, "0 seconds")


async def rolled_up(world: World) -> None:
    """Bring the rows of active jobs up to date, as the worker that leads does each second."""
    for row in await world.fetch("SELECT id FROM backfill_jobs WHERE completed_at IS NULL"):
        await jobs.roll_up(world.connection, row["id"])


async def _aged(world: World, age: str) -> None:
    """As if nobody had led the job for so long; those who worked are dead as long."""
    await world.execute(f"UPDATE backfill_jobs SET heartbeat_at = now() - interval '{age}' WHERE completed_at IS NULL")
    await world.execute(f"UPDATE backfill_workers SET heartbeat_at = now() - interval '{age}'")
    await world.execute(
        f"UPDATE backfill_partitions SET lease_expires_at = now() - interval '{age}' WHERE state = 'running'"
    )
    await world.execute("DELETE FROM backfill_leases")


async def _stale(world: World) -> None:
    await rolled_up(world)
    await _aged(world, "15 minutes")


async def _paused(world: World) -> None:
    await operations.pause(world.connection, await world.job(), actor="test")
    await rolled_up(world)


async def _all_paused(world: World) -> None:
    await operations.pause(world.connection, await world.job(), actor="test", with_others=True)
    await rolled_up(world)


async def _resuming(world: World) -> None:
    await _paused(world)
    await operations.resume(world.connection, await world.job(), actor="test")
    await _stale(world)


async def _cancelled(world: World) -> None:
    await operations.cancel(world.connection, await world.job(), actor="test", reason="test")


async def _retries_wait(world: World) -> None:
    await world.execute(
        """
        UPDATE backfill_partitions SET not_before = now() + interval '4 minutes', attempt_count = 2,
            error_message = 'TransientError: the service of the inputs is away' WHERE partition_key = '000000005'
        """
    )
    await _as_it_is(world)


async def _resting(world: World) -> None:
    await _as_it_is(world)
    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    await world.execute("SELECT backfill_rest_calls('counter', $1, 900, '429 Too Many Requests')", await world.job())


async def _late(world: World) -> None:
    await _as_it_is(world)
    await world.execute(
        """
        UPDATE backfill_jobs SET sla_deadline_at = now() + interval '1 minute',
            estimated_completion_at = now() + interval '1 hour', max_workers = 1, pause_ms = 50
        """
    )


async def _kills_workers(world: World) -> None:
    await _stale(world)
    await world.execute("UPDATE backfill_partitions SET attempt_count = 4 WHERE state = 'running'")


async def _messages_lost(world: World) -> None:
    """The queues are there, and empty, though the ledger expects messages in them."""
    await _as_it_is(world)
    async with world.broker() as broker:
        await declare(broker, Topology(world.backfill), ())


async def _dead_messages(world: World) -> None:
    """The dead letters of the failed partitions, and a body that nobody can read."""
    await _as_it_is(world)
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=())
    rows = await world.fetch("SELECT * FROM backfill_partitions WHERE state = 'failed'")
    try:
        for row in rows:
            lost = PlannedPartition(row["backfill_job_id"], "null", row["partition_key"], 1, row["record_ids"])
            await publisher.bury(world.backfill, lost.message(world.backfill).encode(), "out of attempts")
        await publisher.bury(world.backfill, b"nonsense", "no JSON")
    finally:
        await publisher.close()


async def _example(world: World) -> None:
    """Nothing is asked of the ledger."""


SITUATIONS: Final = {
    "example": Situation("killmails", _example, queued=False),
    "example, first thousand": Situation("first thousand", _example),
    "running": Situation("halfway", _as_it_is),
    "at work": Situation("halfway", _as_it_is, worker=()),
    "in hand": Situation("gated", _as_it_is, worker=(), in_hand=True),
    "resting": Situation("halfway", _resting),
    "pending and stale": Situation("queued", _stale),
    "worker gone": Situation("crashed", _stale),
    "partition kills workers": Situation("crashed", _kills_workers),
    "paused": Situation("halfway", _paused),
    "all paused": Situation("halfway", _all_paused),
    "resuming and stale": Situation("halfway", _resuming),
    "cancelled": Situation("halfway", _cancelled),
    "completed": Situation("completed", _as_it_is),
    "failed records": Situation("failed records", _as_it_is),
    "failed partitions": Situation("some failed", _as_it_is),
    "failed partitions and paused": Situation("some failed", _paused),
    "failed": Situation("all failed", _as_it_is),
    "paused by a worker": Situation("broken", _as_it_is),
    "retries wait": Situation("some failed", _retries_wait),
    "late": Situation("halfway", _late),
    "producer gone": Situation("producer gone", _as_it_is),
    "messages lost": Situation("halfway", _messages_lost),
    "broker empty": Situation("halfway", _as_it_is),
    "dead messages": Situation("some failed", _dead_messages),
    "broker away": Situation("halfway", _as_it_is, env=NOWHERE),
    "database away": Situation("halfway", _as_it_is, env=NO_DATABASE),
}


@asynccontextmanager
async def gate(world: World) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Keep `gated` from its inputs until the block ends or what it gives is called."""
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)

        async def release() -> None:
            await session.execute("SELECT pg_advisory_unlock_all()")

        yield release


async def until_in_hand(world: World, partitions: int) -> None:
    """Wait until so many partitions are claimed and stand before the gate."""

    async def held() -> bool:
        waiting = await world.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        )
        assert (waiting, (await world.partitions())["running"]) == (partitions, partitions)
        return await world.state() == "running" and bool(await world.value("SELECT count(*) FROM backfill_leases"))

    await eventually(held, what="the worker taking partitions in hand")
