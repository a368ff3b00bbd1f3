"""Doing again what failed, and taking back what a dead worker has in hand."""

from uuid import UUID

import pytest

from tests.support.operating import (
    ask,
    closed_gate,
    counted_once,
    done,
    in_state,
    queued,
    until,
    until_held,
    with_failures,
    working,
)
from tests.support.world import World

pytestmark = pytest.mark.long

# --- retry


async def test_a_retry_opens_a_linked_job_over_the_failed_records_only(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE things SET base = 0")

    answer = await done(world, "retry", str(job), "--json")

    opened = UUID(answer.json["job"])
    assert answer.json == {"schema_version": 1, "job": str(opened), "parent": str(job), "records": 2}
    async with working(world):
        await until(world, "completed", opened)
    assert await world.value("SELECT parent_job_id FROM backfill_jobs WHERE id = $1", opened) == job
    assert await world.value("SELECT array_agg(id ORDER BY id) FROM audit WHERE n > 38") == [5, 15]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 40
    assert f"Retries the failed records of job {job}" in (await done(world, "status", str(opened))).out
    reason = await world.value("SELECT reason FROM backfill_events WHERE backfill_job_id = $1 LIMIT 1", opened)
    assert reason == f"retry of {job}"


async def test_a_second_retry_writes_nothing_that_the_first_one_has_written(world: World) -> None:
    # Not idempotent: 13 is refused, so 12 fails until the application has put it right.
    await world.rows(20, value="CASE WHEN id IN (5, 15) THEN 12 END")
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
        await world.execute("UPDATE things SET value = 20 WHERE id = 5")
        first = UUID((await done(world, "retry", str(job), "--json")).json["job"])
        await until(world, "completed", first)  # 15 has failed again

        second = (await done(world, "retry", str(job), "--json")).json
        assert second["records"] == 1
        await until(world, "completed", UUID(second["job"]))
    assert await world.value("SELECT value FROM things WHERE id = 5") == 21


async def test_when_a_retry_has_done_everything_there_is_nothing_left_to_retry(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE things SET base = 0")
    opened = UUID((await done(world, "retry", str(job), "--json")).json["job"])
    async with working(world):
        await until(world, "completed", opened)

    answer = await ask(world, "retry", str(job))

    assert answer.code == 4
    assert "has no failed records that no retry has done yet" in answer.err


async def test_only_an_ended_job_with_failures_is_retried(world: World) -> None:
    job = await in_state(world, "running")
    answer = await ask(world, "retry", str(job))
    assert answer.code == 4
    assert f"job {job} is running: only what an ended job left can be retried" in answer.err

    await done(world, "cancel", str(job), "--reason", "not wanted")
    answer = await ask(world, "retry", str(job))
    assert answer.code == 4
    assert "has no failed records" in answer.err


async def test_some_of_the_failed_records_are_retried_and_the_others_left(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE things SET base = 0")

    one = (await done(world, "retry", str(job), "--id=5", "--id=6", "--error-class=ValueError", "--json")).json

    assert one["records"] == 1
    assert await world.value("SELECT record_ids FROM backfill_jobs WHERE id = $1", UUID(one["job"])) == ["5"]
    async with working(world):
        await until(world, "completed", UUID(one["job"]))
    again = await ask(world, "retry", str(job), "--id=5")
    assert (again.code, "no failed records among these 1 that no retry has done yet" in again.err) == (4, True)
    other = await ask(world, "retry", str(job), "--error-class=KeyError")
    assert "has no failed records of KeyError that" in other.err
    assert (await done(world, "retry", str(job), "--json")).json["records"] == 1


async def test_a_group_of_failures_is_retried_by_its_message(world: World) -> None:
    job = await with_failures(world)
    await world.execute("UPDATE backfill_failures SET error_message = 'no such thing' WHERE record_id = '15'")
    answer = await done(world, "retry", str(job), "--message=record # cannot be computed", "--json")
    assert await world.value("SELECT record_ids FROM backfill_jobs WHERE id = $1", UUID(answer.json["job"])) == ["5"]


# --- reset-stuck


async def test_the_partition_of_a_dead_worker_is_taken_back_before_its_lease_ends(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    job = await queued(world)
    async with closed_gate(world):
        victim = world.worker("--concurrency=1", BACKFILL_LEASE_SECONDS="600")
        await until_held(world, 1)
        victim.kill()
        await world.until_killed(victim)
    await world.execute("UPDATE backfill_workers SET heartbeat_at = now() - interval '11 minutes'")

    answer = await done(world, "reset-stuck", str(job), "--json", BACKFILL_LEASE_SECONDS="600")

    assert answer.json["jobs"][0]["partitions"] == 1
    async with working(world):
        await until(world, "completed")
    await counted_once(world, 20)
    details = await world.value("SELECT details->>'partitions' FROM backfill_events WHERE event = 'job.reset'")
    assert details == '["000000001"]'
    await world.ends_well()


async def test_a_live_worker_keeps_its_partition_unless_it_is_forced_and_is_fenced_out_then(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    job = await queued(world)
    async with working(world) as zombies:
        async with closed_gate(world):
            await until_held(world, 1)
            gentle = await done(world, "reset-stuck", str(job), "--json")
            assert gentle.json["jobs"][0]["partitions"] == 0

            forced = await done(world, "reset-stuck", str(job), "--force", "--json")
            assert forced.json["jobs"][0]["partitions"] == 1
        await until(world, "completed")
        assert zombies[0].stats.fenced == 1
    await counted_once(world, 10)
    await world.ends_well()


async def test_nothing_of_an_ended_job_is_stuck(world: World) -> None:
    job = await in_state(world, "cancelled")
    answer = await ask(world, "reset-stuck", str(job))
    assert (answer.code, answer.err.strip()) == (
        4,
        f"error: job {job} is cancelled: it has ended, and nothing of it can be stuck",
    )
