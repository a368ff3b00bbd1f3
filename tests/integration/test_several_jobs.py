"""Several jobs: which may be open side by side, and many that are changed at once."""

from uuid import uuid4

import asyncpg
import pytest

from backfill.producers.command import main as queue_command
from tests.support.operating import (
    ask,
    closed_gate,
    counted_once,
    done,
    in_state,
    queued,
    three_paused,
    until,
    until_held,
    working,
)
from tests.support.world import World

pytestmark = pytest.mark.long

# --- several jobs


async def test_the_database_itself_refuses_overlapping_jobs(world: World) -> None:
    await in_state(world, "paused")
    with pytest.raises(asyncpg.ExclusionViolationError, match="backfill_jobs_overlap_excl"):
        await world.execute(
            "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, key_range) "
            "VALUES ('counter', 'all', 1, '', '[20,30]')"
        )
    # Another backfill's, another tenant's, other keys, and an ended one are free.
    await world.execute(
        "INSERT INTO backfill_jobs (asset_name, tenant_id, mode, batch_size, definition_hash, key_range) VALUES "
        "('other', 'default', 'all', 1, '', '[20,30]'), ('counter', 'b', 'all', 1, '', '[20,30]'), "
        "('counter', 'default', 'all', 1, '', '[21,30]')"
    )


async def test_a_job_that_overlaps_is_refused_with_what_to_do(world: World) -> None:
    job = await in_state(world, "running")
    answer = await ask(world, "--mode=all", command=queue_command)
    assert answer.code == 4
    assert f"job {job} of counter is running and overlaps this one" in answer.err
    await done(world, "cancel", str(job), "--reason", "not wanted")
    await queued(world)


async def test_two_jobs_over_ids_that_do_not_overlap_run_side_by_side(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    first = await queued(world, "--mode=all", *[f"--id={n}" for n in range(1, 11)])
    second = await queued(world, "--mode=all", *[f"--id={n}" for n in range(11, 21)])
    async with working(world, concurrency=2):
        async with closed_gate(world):
            await until_held(world, 2)
            for job in (first, second):  # which the claim's worker says a moment after it
                await until(world, "running", job)
        await until(world, "completed", first)
        await until(world, "completed", second)
    await counted_once(world, 20)


async def test_no_more_jobs_of_a_backfill_are_open_than_are_allowed(world: World) -> None:
    await world.rows(20)
    await queued(world, "--mode=all", "--id=1")
    answer = await ask(world, "--mode=all", "--id=2", command=queue_command, BACKFILL_MAX_JOBS="1")
    assert answer.code == 4
    assert "counter has 1 active jobs, as many as BACKFILL_MAX_JOBS allows" in answer.err
    await queued(world, "--mode=all", "--id=2", BACKFILL_MAX_JOBS="2")


async def test_a_job_is_meant_by_the_beginning_of_its_id(world: World) -> None:
    job = await in_state(world, "running")
    await done(world, "pause", str(job)[:8])
    assert await world.state() == "paused"
    assert (await ask(world, "pause", str(uuid4()))).code == 3
    assert (await ask(world, "pause", "no-job")).code == 3


# --- many at once


async def test_many_jobs_are_shown_and_nothing_is_done_when_nobody_can_answer(world: World) -> None:
    jobs = await three_paused(world)

    answer = await ask(world, "cancel", "--all", "--state", "paused", "--reason", "x")

    assert answer.code == 2
    for job in jobs:
        assert f"{job}  counter  paused  0/1 partitions" in answer.err
    assert "cancel 3 jobs? Nobody is here to answer; add --yes" in answer.err
    assert await world.value("SELECT bool_and(state = 'paused') FROM backfill_jobs")


async def test_many_jobs_are_changed_with_yes(world: World) -> None:
    jobs = await three_paused(world)
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = now() - interval '11 minutes' WHERE id = $1", jobs[1])

    stuck = await done(world, "resume", "--stuck-for", "10m", "--yes", "--json")
    assert [one["job"] for one in stuck.json["jobs"]] == [str(jobs[1])]

    answer = await done(world, "cancel", "--all", "--reason", "x", "--yes", "--json")
    assert [one["job"] for one in answer.json["jobs"]] == [str(job) for job in jobs]
    assert await world.value("SELECT bool_and(state = 'cancelled') FROM backfill_jobs")
    assert "No job is selected." in (await done(world, "cancel", "--all", "--reason", "x", "--yes")).err


async def test_of_many_jobs_those_that_cannot_be_changed_are_named_and_the_others_are(world: World) -> None:
    jobs = await three_paused(world)
    await done(world, "cancel", str(jobs[0]), "--reason", "x")
    await done(world, "resume", str(jobs[1]))

    answer = await ask(world, "cancel", "--all", "--state", "cancelled", "--reason", "x", "--yes")
    assert answer.code == 0  # as asked for already

    answer = await ask(world, "pause", "--all", "--state", "cancelled", "--yes")
    assert answer.code == 4  # one alone is an ordinary refusal
    await done(world, "cancel", str(jobs[2]))
    answer = await ask(world, "pause", "--all", "--state", "cancelled", "--yes", "--json")
    assert answer.code == 4
    assert answer.err.count("it cannot become paused") == 2
    assert [one["error"]["exit_code"] for one in answer.json["jobs"]] == [4, 4]


async def test_which_jobs_are_meant_must_be_clear(world: World) -> None:
    await in_state(world, "running")
    for arguments in ([], ["latest", "--all"], ["latest", "--state", "running"], ["--state", "running"]):
        assert (await ask(world, "pause", *arguments)).code == 2
    assert await world.state() == "running"


# --- when much fails


# It is a fifth of those that ended: five are more than that until the last one has.
@pytest.mark.parametrize(("bad", "minimum", "state"), [(6, 20, "failed"), (5, 25, "completed")])
async def test_a_job_fails_when_more_than_a_fifth_of_its_partitions_failed_and_goes_on_otherwise(
    world: World, bad: int, minimum: int, state: str
) -> None:
    # Given 25 partitions of one record, of which so many at the beginning fail
    world.definition = "Poison"
    await world.rows(25, base=f"CASE WHEN id <= {bad} THEN 1 ELSE 0 END")
    job = await queued(world, "--mode=all", "--batch-size=1")
    # A partition whose records all failed on their own is completed; what is meant is one that was given up.
    await world.execute(
        "UPDATE backfill_partitions SET attempt_count = 6, interruptions = 6 WHERE partition_key::int <= $1", bad
    )

    async with working(world, BACKFILL_FAILED_MINIMUM=str(minimum)):
        await until(world, state)

    row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert row["failed_partitions"] == bad
    if state == "failed":
        assert "of 2" in row["error_message"]
        assert "more than 20%; see: backfill failures" in row["error_message"]
    failed = (await done(world, "failures", str(job), "--json")).json["failures"]
    assert {row["record_id"] for row in failed} == {str(n) for n in range(1, bad + 1)}
