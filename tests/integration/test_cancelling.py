"""Cancelling and deleting a job: what becomes of its messages, of what is in hand and of its rows."""

import pytest

from backfill.modes import Priority
from tests.support.operating import (
    ask,
    closed_gate,
    completed,
    done,
    history,
    idle,
    in_state,
    queued,
    starts,
    until_held,
    with_failures,
    working,
)
from tests.support.waiting import eventually
from tests.support.world import World

# --- cancel


@pytest.mark.parametrize("state", ["pending", "running", "paused", "resuming"])
async def test_a_cancelled_job_starts_nothing_and_its_messages_vanish(world: World, state: str) -> None:
    job = await in_state(world, state)

    await done(world, "cancel", str(job), "--reason", "not wanted")

    assert (await world.depths())[world.topology.queue(Priority.NORMAL)] == 2
    async with working(world) as (worker,):
        # A queue without ready messages may still have them with the worker: what it has begun it ends when it stops.
        await eventually(lambda: worker.stats.duplicates == 2, what="both messages dropped")
    assert await starts(world) == 0
    assert (await history(world, job))[-1] == ("job.cancelled", state, "cancelled")
    await world.ends_well(states=["cancelled"])


async def test_what_is_in_hand_of_a_cancelled_job_finishes_and_is_counted(world: World) -> None:
    world.definition = "Gated"
    await world.rows(60)
    async with working(world, 2):
        async with closed_gate(world):
            job = await queued(world)
            await until_held(world, 2)
            await done(world, "cancel", str(job), "--reason", "not wanted")
        await idle(world)
        await eventually(world.queues_are_empty)

        async def counted() -> bool:
            assert await world.value("SELECT records_updated FROM backfill_jobs") == 20
            return True

        await eventually(counted, what="what finished after the end on the job's row")
    assert await starts(world) == 2
    await world.ends_well(states=["cancelled"])


async def test_the_messages_of_a_cancelled_job_do_not_rest_in_the_slots(world: World) -> None:
    job = await in_state(world, "running")
    # Longer than anybody may ask for, and than anything that is waited for here.
    await world.execute("ALTER TABLE backfill_jobs DROP CONSTRAINT backfill_jobs_pause_ms_check")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 3600000")
    async with working(world) as (worker,):
        await completed(world, 1)
        await done(world, "cancel", str(job), "--reason", "not wanted")
        await eventually(lambda: worker.stats.duplicates >= 1, what="the other message dropped")


async def test_a_job_that_is_cancelled_without_a_reason_says_by_whom(world: World) -> None:
    await in_state(world, "pending")
    await done(world, "cancel", "--all", "--yes", LOGNAME="ada")
    error, reason = (
        await world.fetch(
            "SELECT error_message, reason FROM backfill_jobs, backfill_events ORDER BY backfill_events.id DESC"
        )
    )[0]
    assert error.startswith("cancelled by ada@")
    assert reason == error


# --- delete


@pytest.mark.parametrize("state", ["pending", "running", "paused", "resuming"])
async def test_an_active_job_is_not_deleted(world: World, state: str) -> None:
    job = await in_state(world, state)
    answer = await ask(world, "delete", str(job), "--yes")
    assert answer.code == 4
    assert f"job {job} is {state}: only ended jobs are deleted; cancel it first" in answer.err
    assert await world.state() == state


async def test_an_ended_job_is_deleted_with_its_partitions_and_its_events_stay(world: World) -> None:
    job = await with_failures(world)

    refused = await ask(world, "delete", str(job))
    assert refused.code == 2
    assert "Nobody is here to answer; add --yes" in refused.err
    await done(world, "delete", str(job), "--yes")

    for table in ("backfill_jobs", "backfill_partitions", "backfill_failures"):
        assert await world.value(f"SELECT count(*) FROM {table}") == 0
    events = (await done(world, "events", str(job), "--json")).json["events"]
    assert [event["event"] for event in events][-1] == "job.deleted"
    assert (await ask(world, "status", str(job))).code == 3
