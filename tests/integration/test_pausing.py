"""Pausing and resuming a job: what is in hand finishes, nothing is begun, nothing is done twice."""

import asyncio
from uuid import uuid4

import pytest

from backfill import statements
from tests.support.operating import (
    BLOCKED,
    ask,
    closed_gate,
    counted_once,
    done,
    go_on,
    history,
    idle,
    in_state,
    is_paused_after_two_of_six,
    queued,
    starts,
    under_way,
    until,
    until_held,
    working,
)
from tests.support.waiting import eventually
from tests.support.world import World

# --- the ten scenarios


async def test_pausing_a_running_job_lets_what_is_in_hand_finish_and_starts_nothing_more(world: World) -> None:
    world.definition = "Gated"
    await world.rows(60)
    job = await queued(world)
    async with working(world, 2):
        async with closed_gate(world):
            await until_held(world, 2)

            answer = await done(world, "pause", str(job), "--reason", "the database is busy")

            assert f"Job {job} was running and is paused." in answer.out
            assert await world.partitions() == {"running": 2, "pending": 4}
        await idle(world)
        assert await starts(world) == 2
        # The queue does not spin: its messages are gone, and nobody publishes them.
        await eventually(world.queues_are_empty)
        await is_paused_after_two_of_six(world)
    assert await starts(world) == 2


async def test_a_pause_waits_for_a_claim_that_has_begun_and_lets_none_begin(world: World) -> None:
    # Given a worker whose claim saw the job running and has not committed yet
    job = await in_state(world, "running")
    async with world.session() as claiming, asyncio.TaskGroup() as tasks:
        await claiming.execute("BEGIN")
        arguments = (job, "000000001", uuid4(), 60.0, "counter", "all")
        assert await claiming.fetchrow(statements.read("ledger/partitions/claim"), *arguments) is not None

        pausing = tasks.create_task(done(world, "pause", str(job)))

        await eventually(lambda: world.value(BLOCKED), what="a pause that waits")
        assert not pausing.done()
        await claiming.execute("COMMIT")
    assert await world.state() == "paused"
    assert (await world.partitions())["running"] == 1


async def test_a_limit_of_workers_waits_for_claims_that_have_begun(world: World) -> None:
    job = await in_state(world, "running")
    async with world.session() as claiming, asyncio.TaskGroup() as tasks:
        await claiming.execute("BEGIN")
        holder = uuid4()
        claim = (60.0, "counter", "all")
        statement = statements.read("ledger/partitions/claim")
        assert await claiming.fetchrow(statement, job, "000000001", holder, *claim) is not None
        setting = tasks.create_task(done(world, "set", str(job), "--max-workers", "1"))
        await eventually(lambda: world.value(BLOCKED), what="a change of the limit that waits")
        assert not setting.done()
        await claiming.execute("COMMIT")
    for worker, claimed in ((uuid4(), False), (holder, True)):
        assert bool(await world.fetch(statement, job, "000000002", worker, *claim)) == claimed


async def test_resuming_a_paused_job_lets_it_run_to_its_end(world: World) -> None:
    async with under_way(world) as job:
        await done(world, "pause", str(job))
        await idle(world)

        answer = await done(world, "resume", str(job))

        assert f"Job {job} was paused and is resuming." in answer.out
        await go_on(world)
        await until(world, "completed")
    await counted_once(world, 120)
    changes = [event for event, _, _ in await history(world, job) if event != "job.set"]
    assert changes == ["job.opened", "job.running", "job.paused", "job.resuming", "job.running", "job.completed"]
    assert await world.value("SELECT paused_seconds > 0 FROM backfill_jobs")
    await world.ends_well()


async def test_a_job_is_resuming_until_a_worker_claims(world: World) -> None:
    job = await in_state(world, "paused")

    await done(world, "resume", str(job))

    assert await world.state() == "resuming"
    async with working(world):
        await until(world, "completed")
    assert ("job.running", "resuming", "running") in await history(world, job)


async def test_a_pause_keeps_the_checkpoint(world: World) -> None:
    async with under_way(world) as job:
        await done(world, "pause", str(job))
        await idle(world)

        async def last_of_the_completed() -> bool:
            row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
            assert row["checkpoint_partition_key"] == f"{row['completed_partitions']:09}"
            assert row["completed_partitions"] == (await world.partitions())["completed"]
            return True

        await eventually(last_of_the_completed)
    before = await world.value("SELECT checkpoint_partition_key FROM backfill_jobs")
    await done(world, "resume", str(job))
    assert await world.value("SELECT checkpoint_partition_key FROM backfill_jobs") == before > "000000002"


async def test_a_resumed_job_goes_on_from_its_checkpoint_and_redoes_no_completed_partition(world: World) -> None:
    async with under_way(world) as job:
        await done(world, "pause", str(job))
        await idle(world)
        before = await world.fetch(
            "SELECT partition_key, fence, completed_at FROM backfill_partitions WHERE state = 'completed' ORDER BY 1"
        )
        assert 3 <= len(before) < 12

        await done(world, "resume", str(job))
        await go_on(world)
        await until(world, "completed")

    after = await world.fetch("SELECT partition_key, fence, completed_at FROM backfill_partitions ORDER BY 1")
    assert after[: len(before)] == before
    assert await world.value("SELECT bool_and(attempt_count = 1) FROM backfill_partitions")
    await counted_once(world, 120)


async def test_the_statistics_of_the_estimate_outlive_a_pause(world: World) -> None:
    async with under_way(world) as job:
        await done(world, "pause", str(job))
        await idle(world)
        async with working(world):  # somebody rolls up what was in hand
            await eventually(lambda: world.value("SELECT avg_partition_duration_ms FROM backfill_jobs"))
    before = await world.value("SELECT avg_partition_duration_ms FROM backfill_jobs")

    await done(world, "resume", str(job))

    assert await world.value("SELECT avg_partition_duration_ms FROM backfill_jobs") == before > 0
    assert (await done(world, "status", "--json")).json["avg_partition_duration_ms"] == before


async def test_pausing_a_paused_job_says_so_and_succeeds(world: World) -> None:
    job = await in_state(world, "paused")
    events = await history(world, job)

    answer = await done(world, "pause", str(job), "--json")

    assert answer.json["jobs"] == [
        {"job": str(job), "state": "paused", "changed": False, "text": f"Job {job} is paused already."}
    ]
    assert await history(world, job) == events


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("completed", "it has ended"),
        ("cancelled", "it has ended"),
    ],
)
async def test_pausing_a_job_that_has_ended_is_refused(world: World, state: str, allowed: str) -> None:
    job = await in_state(world, state)

    answer = await ask(world, "pause", str(job))

    assert answer.code == 4
    assert answer.err == f"error: job {job} is {state}: it cannot become paused; {allowed}\n"
    assert await world.state() == state


@pytest.mark.parametrize("state", ["pending", "running", "completed", "cancelled"])
async def test_resuming_a_job_that_is_not_paused_is_refused(world: World, state: str) -> None:
    job = await in_state(world, state)

    answer = await ask(world, "resume", str(job))

    assert answer.code == 4
    assert f"job {job} is {state}: it cannot become resuming" in answer.err
    assert await world.state() == state


async def test_a_paused_job_is_cancelled(world: World) -> None:
    job = await in_state(world, "paused")

    answer = await done(world, "cancel", str(job), "--reason", "superseded")

    assert f"Job {job} was paused and is cancelled." in answer.out
    row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert (row["state"], row["error_message"]) == ("cancelled", "superseded")
    assert row["completed_at"] is not None


# Another tenant can neither see nor pause it: tests/integration/test_tenants.py, as roles to which policies apply.


# --- the schema drifts


async def test_a_job_is_paused_when_its_table_no_longer_fits_and_goes_on_when_it_does(world: World) -> None:
    async with under_way(world) as job:
        await world.execute("ALTER TABLE things RENAME value TO worth")
        await go_on(world)
        await until(world, "paused")
        event = (await done(world, "events", str(job), "--json")).json["events"][-1]
        assert (event["actor"], event["to_state"]) == ("worker", "paused")
        assert "table 'things' has no column 'value'" in event["reason"]
        await idle(world)
        assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1

        await world.execute("ALTER TABLE things RENAME worth TO value")
        await done(world, "resume", str(job))
        await until(world, "completed")
    await counted_once(world, 120)
