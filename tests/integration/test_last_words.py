"""The last word on a job is true: what settles around its end, or behind it, is counted with it."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backfill import statements
from backfill.ledger import jobs
from tests.support.operating import done, queued, working
from tests.support.waiting import eventually
from tests.support.world import World

END = "UPDATE backfill_jobs SET state = '{}', completed_at = clock_timestamp() WHERE id = $1"
COUNTS = ("completed_partitions", "skipped_partitions", "records_updated", "records_failed")


async def in_hand(world: World, partitions: int) -> tuple[UUID, list[int]]:
    """A running job whose partitions of ten records are all in somebody's hands."""
    await world.rows(partitions * 10)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now(), running_since = now()")
    rows = await world.fetch(
        "UPDATE backfill_partitions SET state = 'running', fence = 1, lease_expires_at = now() + interval '1 hour'"
        " RETURNING id"
    )
    return job, [row["id"] for row in rows]


async def conclude(
    connection: "asyncpg.Connection[Any]", partition: int, updated: int, skipped: int, failed: int
) -> None:
    """As an apply does it, in its transaction."""
    counts = (updated, 0, skipped, failed, 0)
    rest = ("{}", 1.0, "end", None, None, None, None, None, None, 0, 0, None, None)
    await connection.execute(statements.read("ledger/partitions/conclude"), partition, *counts, *rest)


async def counts(world: World, job_id: UUID) -> tuple[int, ...]:
    (row,) = await world.fetch(f"SELECT {', '.join(COUNTS)} FROM backfill_jobs WHERE id = $1", job_id)
    return tuple(row)


async def waiting(world: World, count: int) -> None:
    """Until so many sessions wait for a lock."""

    async def found() -> bool:
        return bool(
            count
            == await world.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    await eventually(found, interval=0.01, what=f"{count} sessions that wait for a lock")


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_what_settles_behind_the_end_is_counted_with_it(world: World, end: str) -> None:
    job, (first, second, third) = await in_hand(world, 3)
    await conclude(world.connection, first, 10, 0, 0)
    await world.execute(END.format(end), job)
    assert await counts(world, job) == (1, 0, 10, 0)
    # Two at once, of which the second waits for the first.
    async with world.session() as one, world.session() as other:
        early, late = one.transaction(), other.transaction()
        await early.start()
        await late.start()
        await conclude(one, second, 7, 0, 3)
        settling = asyncio.ensure_future(conclude(other, third, 0, 10, 0))
        await waiting(world, 1)
        await early.commit()
        await settling
        await late.commit()
    assert await counts(world, job) == (2, 1, 17, 3)


async def test_an_end_waits_for_what_is_settling(world: World) -> None:
    job, (partition,) = await in_hand(world, 1)
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await conclude(session, partition, 6, 0, 4)
        ending = asyncio.ensure_future(world.execute(END.format("cancelled"), job))
        async with world.session() as onlooker:
            await waiting(World(**{**vars(world), "connection": onlooker}), 1)
        await transaction.commit()
        await ending
    assert await counts(world, job) == (1, 0, 6, 4)


async def test_of_two_roll_ups_the_older_one_does_not_win(world: World) -> None:
    job, (partition,) = await in_hand(world, 1)
    async with world.session() as holder, world.session() as roller:
        held = holder.transaction()
        await held.start()
        await holder.execute("UPDATE backfill_jobs SET heartbeat_at = now()")
        await roller.execute("SELECT set_config('app.current_tenant', 'default', false)")
        rolling = asyncio.ensure_future(jobs.roll_up(roller, job))
        await waiting(world, 1)
        await conclude(world.connection, partition, 10, 0, 0)
        await held.commit()
        await rolling
    assert await counts(world, job) == (1, 0, 10, 0)


async def test_a_delete_waits_for_what_is_being_applied(world: World) -> None:
    """They lock the job's row and the partition's in the same order, or one of them would be ended as a deadlock."""
    job, (partition,) = await in_hand(world, 1)
    await done(world, "cancel", str(job), "--reason=test")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("SELECT FROM backfill_partitions FOR NO KEY UPDATE")
        deleting = asyncio.ensure_future(done(world, "delete", str(job), "--yes"))
        await waiting(world, 1)
        await conclude(session, partition, 10, 0, 0)
        await transaction.commit()
        await deleting
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_messages_of_a_deleted_job_are_dropped_and_not_buried(world: World) -> None:
    await world.rows(30)
    job = await queued(world)
    await done(world, "cancel", str(job), "--reason=test")
    await done(world, "delete", str(job), "--yes")
    assert sum((await world.depths()).values()) == 3
    said: list[str] = []
    async with working(world, say=said.append):
        await eventually(world.queues_are_empty, what="empty queues")
    assert await world.dead() == []
    assert not any("dead queue" in line for line in said)
