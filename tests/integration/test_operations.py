"""What operators can do to a job, and what becomes of it."""

import asyncio
import csv
import io
import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from backfill import statements
from backfill.ledger import jobs
from backfill.modes import Priority
from backfill.producers.command import main as queue_command
from tests.support.commands import Command
from tests.support.operating import (
    ask,
    closed_gate,
    completed,
    done,
    history,
    idle,
    queued,
    starts,
    under_way,
    until,
    until_held,
    working,
)
from tests.support.waiting import eventually
from tests.support.world import World

BLOCKED = """
    SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


async def counted_once(world: World, records: int) -> None:
    """Every record was written exactly once, by a worker."""
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == records
    assert await world.value("SELECT count(*) FROM audit WHERE who LIKE 'worker %'") == records


async def in_state(world: World, state: str) -> UUID:
    """A job of two partitions in that state, with no worker beside it."""
    await world.rows(20)
    job = await queued(world)
    if state == "completed":
        async with working(world):
            await until(world, "completed")
    elif state in ("running", "paused", "resuming"):
        await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now(), running_since = now()")
    if state in ("paused", "resuming"):
        await done(world, "pause", "latest")
    if state == "resuming":
        await done(world, "resume", "latest")
    elif state == "cancelled":
        await done(world, "cancel", "latest", "--reason", "not wanted")
    assert await world.state() == state
    return job


async def is_paused_after_two_of_six(world: World) -> None:
    """The job's row says so within a second or two."""

    async def told() -> bool:
        row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
        assert (row["state"], row["completed_partitions"], row["records_updated"]) == ("paused", 2, 20)
        assert row["paused_at"] is not None
        assert row["checkpoint_partition_key"] == await world.value(
            "SELECT max(partition_key) FROM backfill_partitions WHERE partition_key < "
            "(SELECT min(partition_key) FROM backfill_partitions WHERE completed_at IS NULL)"
        )
        assert row["estimated_completion_at"] is row["earliest_completion_at"] is row["latest_completion_at"] is None
        return True

    await eventually(told, deadline=3)


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
    job = await queued(world)
    async with working(world, 2):
        async with closed_gate(world):
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
    await done(world, "set", str(job), "--pause-ms", "10000")
    async with working(world):
        await completed(world, 1)
        await done(world, "cancel", str(job), "--reason", "not wanted")
        await eventually(world.queues_are_empty, deadline=5)


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


# --- retry


async def with_failures(world: World, *, partitions: int = 4) -> UUID:
    """A completed job of `poison` in which records 5 and 15 failed."""
    world.definition = "Poison"
    await world.rows(partitions * 10, base="CASE WHEN id IN (5, 15) THEN 1 ELSE 0 END")
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    assert await world.value("SELECT count(*) FROM backfill_failures") == 2
    return job


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


# --- reset-stuck


async def test_the_partition_of_a_dead_worker_is_taken_back_before_its_lease_ends(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    job = await queued(world)
    async with closed_gate(world):
        victim = world.worker("--concurrency=1", BACKFILL_LEASE_SECONDS="600", BACKFILL_LOCK_TIMEOUT_MS="30000")
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


# --- set


async def test_a_limit_of_workers_holds_from_the_moment_it_is_set(world: World) -> None:
    world.definition = "Gated"
    await world.rows(200)
    await queued(world, "--mode=all", "--batch-size=5")
    holders: set[int] = set()

    async def look() -> int:
        held: int = await world.value(
            "SELECT count(DISTINCT worker_id) FROM backfill_partitions WHERE state = 'running'"
        )
        return held

    async with working(world, 3):
        async with closed_gate(world):
            await eventually(look_for(look, 3), what="three workers that hold partitions")
            await done(world, "set", "latest", "--max-workers", "1")
            fence = await world.value("SELECT last_value FROM backfill_fence_seq")

        async def until_done() -> bool:
            newer = await world.value(
                "SELECT count(DISTINCT worker_id) FROM backfill_partitions WHERE state = 'running' AND fence > $1",
                fence,
            )
            holders.add(newer)
            partitions = await world.partitions()
            assert partitions["completed"] >= 12, partitions
            return True

        await eventually(until_done, deadline=40, interval=0.01)
        assert holders <= {0, 1}
        # Lifted again: the others come back.
        async with closed_gate(world):
            await done(world, "set", "latest", "--max-workers", "0")
            await eventually(look_for(look, 3), what="three workers that hold partitions")
        await until(world, "completed", deadline=30)
    await counted_once(world, 200)


def look_for(look: Any, expected: int) -> Any:
    async def seen() -> bool:
        found = await look()
        assert found == expected, found
        return True

    return seen


async def test_a_pause_between_partitions_is_obeyed_within_two_seconds(world: World) -> None:
    await world.rows(300)
    job = await queued(world)
    async with working(world):
        await done(world, "set", str(job), "--pause-ms", "10000")
        rests = "SELECT max(started_at) < now() - interval '0.5 s' FROM backfill_partitions"
        await eventually(lambda: world.value(rests), deadline=5)
        at_rest = await starts(world)
        assert at_rest < 30

        await done(world, "set", str(job), "--pause-ms", "0")

        async def went_on() -> bool:
            assert await starts(world) > at_rest
            return True

        await eventually(went_on, deadline=2)
        await until(world, "completed")
    await counted_once(world, 300)


async def test_a_changed_priority_moves_what_waits_into_the_other_queue(world: World) -> None:
    job = await in_state(world, "running")
    await done(world, "set", str(job), "--priority", "high", "--json")
    async with working(world):
        await until(world, "completed")
        await eventually(world.queues_are_empty)
    await counted_once(world, 20)
    details = await world.value("SELECT details->>'priority' FROM backfill_events WHERE event = 'job.set'")
    assert details == "high"
    await world.ends_well()


async def test_a_changed_priority_takes_effect_within_two_seconds(world: World) -> None:
    # Given a normal job that rests long and a worker whose next partition would be the normal one's
    await world.rows(400)
    normal = await queued(world, "--mode=all", "--batch-size=1", *[f"--id={n}" for n in range(1, 201)])
    urgent = await queued(world, "--mode=all", "--batch-size=1", *[f"--id={n}" for n in range(201, 221)])
    await world.execute("UPDATE backfill_jobs SET pause_ms = 20")
    async with working(world):
        await completed(world, 1)

        await done(world, "set", str(urgent), "--priority", "high")

        async def begun() -> bool:
            assert await world.value(
                "SELECT count(*) FROM backfill_partitions WHERE backfill_job_id = $1 AND attempt_count > 0", urgent
            )
            return True

        await eventually(begun, deadline=2)
        assert await world.value("SELECT state FROM backfill_jobs WHERE id = $1", normal) == "running"


async def test_a_high_job_goes_first_and_does_not_starve_a_normal_one(world: World) -> None:
    await world.rows(160)
    normal = await queued(world, "--mode=all", "--batch-size=2", *[f"--id={n}" for n in range(1, 81)])
    high = await queued(
        world, "--mode=all", "--batch-size=2", "--priority=high", *[f"--id={n}" for n in range(81, 161)]
    )
    # So long that the broker has sent more before the few of the high job that the worker holds have been used up.
    await world.execute("UPDATE backfill_jobs SET pause_ms = 10")
    async with working(world):
        await until(world, "completed", normal)
        await until(world, "completed", high)
    rows = await world.fetch("SELECT backfill_job_id FROM backfill_partitions ORDER BY completed_at")
    is_high = [row[0] == high for row in rows]
    meanwhile = is_high[is_high.index(True) : len(is_high) - is_high[::-1].index(True)]
    # Of four that are taken while both wait, one is a normal one.
    assert sum(meanwhile) == 40
    assert 8 <= len(meanwhile) - 40 <= 16


async def test_an_ended_job_cannot_be_set_and_a_call_without_options_is_wrong(world: World) -> None:
    job = await in_state(world, "cancelled")
    assert (await ask(world, "set", str(job), "--pause-ms", "5")).code == 4
    assert (await ask(world, "set", str(job))).code == 2
    assert (await ask(world, "set", str(job), "--pause-ms", "10001")).code == 2


# --- when much fails


@pytest.mark.parametrize(("bad", "state"), [(6, "failed"), (5, "completed")])
async def test_a_job_fails_when_more_than_a_fifth_of_its_partitions_failed_and_goes_on_otherwise(
    world: World, bad: int, state: str
) -> None:
    # Given 25 partitions of one record, of which so many at the beginning fail
    world.definition = "Poison"
    await world.rows(25, base=f"CASE WHEN id <= {bad} THEN 1 ELSE 0 END")
    job = await queued(world, "--mode=all", "--batch-size=1")
    # A partition whose records all failed on their own is completed; what is meant is one that was given up.
    await world.execute("UPDATE backfill_partitions SET attempt_count = 6 WHERE partition_key::int <= $1", bad)

    async with working(world):
        await until(world, state)

    row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    assert row["failed_partitions"] == bad
    if state == "failed":
        assert "of 2" in row["error_message"]
        assert "more than 20%; see: backfill failures" in row["error_message"]
    failed = (await done(world, "failures", str(job), "--json")).json["failures"]
    assert {row["record_id"] for row in failed} == {str(n) for n in range(1, bad + 1)}


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


# --- events


async def test_an_event_says_who_did_what_to_a_job_and_why(world: World) -> None:
    job = await in_state(world, "running")
    began = await world.value("SELECT now()")
    await done(world, "pause", str(job), "--reason", "the database is busy", LOGNAME="ada")

    event = (await done(world, "events", str(job), "--json")).json["events"][-1]

    assert event["actor"].startswith("ada@")
    assert (event["event"], event["from_state"], event["to_state"]) == ("job.paused", "running", "paused")
    assert event["reason"] == "the database is busy"
    assert event["at"] >= str(began)
    line = (await done(world, "events", str(job))).out.splitlines()[-1]
    assert "job.paused  running -> paused  ada@" in line
    assert line.endswith("the database is busy")


async def test_a_change_by_hand_leaves_the_same_event_with_the_database_user(world: World) -> None:
    job = await in_state(world, "running")
    await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now(), error_message = 'enough'")
    event = (await done(world, "events", str(job), "--json")).json["events"][-1]
    assert (event["event"], event["from_state"], event["reason"]) == ("job.cancelled", "running", "enough")
    assert event["actor"] == await world.value("SELECT session_user::text")


async def test_events_cannot_be_changed_or_taken_away(world: World) -> None:
    await in_state(world, "pending")
    for statement in ("UPDATE backfill_events SET actor = 'nobody'", "DELETE FROM backfill_events"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await world.execute(statement)


async def test_a_state_that_no_arrow_leads_to_is_refused_by_hand_too(world: World) -> None:
    await in_state(world, "paused")
    with pytest.raises(asyncpg.CheckViolationError, match="is paused: it cannot become running, only resuming"):
        await world.execute("UPDATE backfill_jobs SET state = 'running'")


# --- the operators' own SQL, as it stands in their runbooks

STALE = """
SELECT id, asset_name, state, completed_partitions || '/' || total_partitions as progress, EXTRACT(EPOCH FROM (NOW() - heartbeat_at)) as heartbeat_age_secs, checkpoint_partition_key
FROM backfill_jobs WHERE state = 'running' AND heartbeat_at < NOW() - INTERVAL '2 minutes' ORDER BY heartbeat_at;
"""  # noqa: E501
PAUSE = """
UPDATE backfill_jobs SET state = 'paused', paused_at = NOW(), version = version + 1 WHERE id = '<job_id>' AND state = 'running' AND tenant_id = '<tenant_id>';
"""  # noqa: E501
AGE = """
UPDATE backfill_jobs SET heartbeat_at = NOW() - INTERVAL '5 minutes', version = version + 1 WHERE id = '<job_id>' AND state = 'running';
"""  # noqa: E501
WAITING = """
SELECT id, state, heartbeat_at FROM backfill_jobs WHERE state IN ('pending', 'resuming') AND (heartbeat_at IS NULL OR heartbeat_at < NOW() - INTERVAL '120 seconds');
"""  # noqa: E501
FAILED = """
SELECT bp.partition_key, bp.attempt_count, bp.error_message, bp.completed_at FROM backfill_partitions bp JOIN backfill_jobs bj ON bp.backfill_job_id = bj.id WHERE bj.id = '<job_id>' AND bp.state = 'failed' ORDER BY bp.partition_key;
"""  # noqa: E501
CHECKPOINT = """
SELECT bj.checkpoint_partition_key as job_checkpoint, MAX(bp.partition_key) FILTER (WHERE bp.state = 'completed') as last_completed_partition, COUNT(*) FILTER (WHERE bp.state = 'pending') as pending_partitions, COUNT(*) FILTER (WHERE bp.state = 'completed') as completed_partitions
FROM backfill_jobs bj JOIN backfill_partitions bp ON bp.backfill_job_id = bj.id WHERE bj.id = '<job_id>' GROUP BY bj.checkpoint_partition_key;
"""  # noqa: E501
CANCEL = """
UPDATE backfill_jobs SET state = 'cancelled', error_message = 'Bulk cancelled: stuck in resuming state', completed_at = NOW(), version = version + 1 WHERE state = 'resuming' AND heartbeat_at < NOW() - INTERVAL '10 minutes' RETURNING id, asset_name;
"""  # noqa: E501


def filled(sql: str, job: UUID, tenant: str = "default") -> str:
    return sql.replace("<job_id>", str(job)).replace("<tenant_id>", tenant)


async def test_the_runbook_finds_running_jobs_whose_heartbeat_is_stale(world: World) -> None:
    async with under_way(world) as job:
        assert await world.fetch(STALE) == []
        await done(world, "set", str(job), "--pause-ms", "10000")
        await eventually(lambda: world.value("SELECT completed_partitions >= 3 FROM backfill_jobs"))
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = now() - interval '3 minutes'")

    (row,) = await world.fetch(STALE)

    assert (row["id"], row["asset_name"], row["state"]) == (job, "counter", "running")
    progress = int(row["progress"].removesuffix("/12"))
    assert 3 <= progress <= (await world.partitions())["completed"] < 12
    assert 180 <= row["heartbeat_age_secs"] < 200
    assert row["checkpoint_partition_key"] == f"{progress:09}"


async def test_the_runbook_pauses_a_job_exactly_as_the_command_does(world: World) -> None:
    world.definition = "Gated"
    await world.rows(60)
    job = await queued(world)
    async with working(world, 2):
        async with closed_gate(world):
            await until_held(world, 2)
            await until(world, "running", job)
            await world.execute(filled(PAUSE, job, "another"))
            assert await world.state() == "running"

            await world.execute(filled(PAUSE, job))

            assert await world.partitions() == {"running": 2, "pending": 4}
        await idle(world)
        await eventually(world.queues_are_empty)
        await is_paused_after_two_of_six(world)
        assert await starts(world) == 2
        assert (await history(world, job))[-1] == ("job.paused", "running", "paused")
        await done(world, "resume", str(job))
        await until(world, "completed")
    await counted_once(world, 60)
    await world.ends_well()


async def test_the_runbook_ages_a_heartbeat_and_the_next_worker_goes_on(world: World) -> None:
    async with under_way(world) as job:
        pass
    await world.execute(filled(AGE, job))

    (stuck,) = await world.fetch(STALE)
    assert (stuck["id"], 300 <= stuck["heartbeat_age_secs"] < 320) == (job, True)
    listed = await ask(world, "reset-stuck", "--stuck-for", "4m")
    assert str(job) in listed.err

    async with working(world):
        await until(world, "completed")
    assert await world.fetch(STALE) == []
    await counted_once(world, 120)


async def test_the_runbook_finds_jobs_that_no_worker_has_taken_up(world: World) -> None:
    pending = await in_state(world, "pending")
    assert await world.fetch(WAITING) == []
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = now() - interval '121 seconds'")
    assert [(row["id"], row["state"]) for row in await world.fetch(WAITING)] == [(pending, "pending")]
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = NULL")
    assert [(row["id"], row["heartbeat_at"]) for row in await world.fetch(WAITING)] == [(pending, None)]
    async with working(world):
        await until(world, "completed")
    assert await world.fetch(WAITING) == []


async def test_the_runbook_lists_failed_partitions(world: World) -> None:
    await world.rows(30)
    job = await queued(world)
    await world.execute("UPDATE backfill_partitions SET attempt_count = 6 WHERE partition_key = '000000002'")
    async with working(world):
        await until(world, "completed")

    (row,) = await world.fetch(filled(FAILED, job))

    assert (row["partition_key"], row["attempt_count"]) == ("000000002", 7)
    assert "claimed 7 times and never finished" in row["error_message"]
    assert row["completed_at"] is not None


async def test_the_runbook_checks_the_checkpoint(world: World) -> None:
    async with under_way(world) as job:
        await done(world, "pause", str(job))
        await idle(world)

        async def agrees() -> bool:
            (row,) = await world.fetch(filled(CHECKPOINT, job))
            states = await world.partitions()
            assert row["job_checkpoint"] == row["last_completed_partition"] == f"{states['completed']:09}"
            assert (row["pending_partitions"], row["completed_partitions"]) == (states["pending"], states["completed"])
            return True

        await eventually(agrees)


async def test_the_runbook_cancels_jobs_that_are_stuck_in_resuming(world: World) -> None:
    job = await in_state(world, "resuming")
    assert await world.fetch(CANCEL) == []
    await world.execute("UPDATE backfill_jobs SET heartbeat_at = now() - interval '11 minutes'")

    rows = await world.fetch(CANCEL)

    assert [tuple(row) for row in rows] == [(job, "counter")]
    async with working(world) as (worker,):
        # A queue without ready messages may still have them with the worker: what it has begun it ends when it stops.
        await eventually(lambda: worker.stats.duplicates == 2, what="both messages dropped")
    assert await starts(world) == 0
    events = (await done(world, "events", str(job), "--json")).json["events"]
    assert events[-1]["reason"] == "Bulk cancelled: stuck in resuming state"
    await world.ends_well(states=["cancelled"])


# --- the schema drifts


async def test_a_job_is_paused_when_its_table_no_longer_fits_and_goes_on_when_it_does(world: World) -> None:
    async with under_way(world) as job:
        await world.execute("ALTER TABLE things RENAME value TO worth")
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


# --- many at once


async def three_paused(world: World) -> list[UUID]:
    await world.rows(30)
    jobs = [await queued(world, "--mode=all", f"--id={n}") for n in (1, 2, 3)]
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")
    await done(world, "pause", "--all", "--yes")
    return jobs


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


# --- looking


async def test_wait_tells_by_its_exit_code_how_a_job_ended(world: World) -> None:
    job = await in_state(world, "running")
    waiting = await ask(world, "wait", str(job), "--timeout", "0.1s", "--json")
    assert (waiting.code, waiting.json["state"]) == (75, "running")
    async with working(world):
        assert (await ask(world, "wait", str(job), "--timeout", "20s")).code == 0

    await world.execute("UPDATE things SET value = 12 WHERE id = 20")
    await queued(world)
    async with working(world):
        assert (await ask(world, "wait", "--timeout", "20s")).code == 7  # completed, but a record failed

    await queued(world)
    await done(world, "cancel", "latest", "--reason", "x")
    assert (await ask(world, "wait")).code == 8


async def test_watching_through_a_pipe_gives_plain_lines_and_ends_with_the_job(world: World) -> None:
    async with under_way(world) as job:
        command: Command = world.run("backfill", "status", str(job), "--watch", "--interval", "0.2")
        programs = world.run("backfill", "status", str(job), "--watch", "--interval", "0.2", "--json")
        assert await command.wait() == 0
        assert await programs.wait() == 0
    assert "\x1b" not in command.output
    lines = command.output.splitlines()
    assert lines[0].startswith("running: ")
    assert lines[0].endswith("| Workers: 1")
    assert any(line.startswith("completed: 120/120 (100.0%)") for line in lines)
    assert "Records: 120/120 (100.0%) | Updated: 120" in command.output
    parsed = [json.loads(line) for line in programs.output.splitlines()]
    assert parsed[-1]["state"] == "completed"
    assert all(look["schema_version"] == 1 and look["job"] == str(job) for look in parsed)
    assert parsed[0]["workers"][0]["pid"] > 0
    assert set(parsed[0]["queues"]) == {world.topology.queue(Priority.NORMAL), world.topology.dead_queue}


async def test_every_command_prints_one_object_and_ids_as_text(world: World) -> None:
    # Given a job whose records have ids beyond what a double can hold
    big = 2**62
    world.definition = "Poison"
    await world.execute(
        "INSERT INTO things (id, base) SELECT $1::bigint + n, (n = 3)::int FROM generate_series(1, 20) AS n", big
    )
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    answers = [
        await done(world, "status", "--json"),
        await done(world, "list", "--json"),
        await done(world, "failures", "--json"),
        await done(world, "events", "--json"),
        await ask(world, "wait", "--json"),
        await done(world, "retry", str(job), "--json"),
        await done(world, "set", "latest", "--pause-ms=1", "--max-workers=2", "--deadline=2100-01-01", "--json"),
        await done(world, "reset-stuck", "latest", "--json"),
        await done(world, "cancel", "latest", "--reason=x", "--json"),
        await done(world, "delete", "latest", "--yes", "--json"),
        await done(world, "settings", "--json"),
    ]

    def numbers(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [number for part in value.values() for number in numbers(part)]
        if isinstance(value, list):
            return [number for part in value for number in numbers(part)]
        return [value] if isinstance(value, int) else []

    for answer in answers:
        assert answer.json["schema_version"] == 1
        assert all(number < 2**53 for number in numbers(answer.json))
    assert answers[0].json["job"] == str(job)
    assert answers[1].json["jobs"][0]["upper_key"] == str(big + 20)
    assert answers[2].json["failures"][0]["record_id"] == str(big + 3)


async def test_failures_are_listed_as_csv(world: World) -> None:
    await with_failures(world)
    rows = list(csv.DictReader(io.StringIO((await done(world, "failures", "--csv")).out)))
    assert [row["record_id"] for row in rows] == ["5", "15"]
    assert rows[0]["error_class"] == "ValueError"
    assert rows[0]["error_message"] == "record 5 cannot be computed"
    assert (await done(world, "failures")).out.startswith("5\tpartition 000000001\tValueError: record 5")


async def test_jobs_are_listed_by_state_and_backfill(world: World) -> None:
    jobs = await three_paused(world)
    await done(world, "cancel", str(jobs[0]), "--reason", "x")
    listed = (await done(world, "list", "--state", "paused", "--json")).json["jobs"]
    assert [job["id"] for job in listed] == [str(job) for job in reversed(jobs[1:])]
    assert (await done(world, "list", "--backfill", "another")).out == "No jobs.\n"
    assert len((await done(world, "list")).out.splitlines()) == 4


# --- the estimate


ESTIMATE = ("earliest_completion_at", "estimated_completion_at", "latest_completion_at")


async def test_there_is_no_estimate_before_the_first_partition_is_done_nor_after_the_last(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    await queued(world)
    async with working(world):
        async with closed_gate(world):
            await until(world, "running")
            beats = await world.value("SELECT heartbeat_at FROM backfill_jobs")
            await eventually(lambda: world.value("SELECT heartbeat_at > $1 FROM backfill_jobs", beats))
            early = (await done(world, "status", "--json")).json
            assert [early[name] for name in (*ESTIMATE, "seconds_left", "avg_partition_duration_ms")] == [None] * 5
        await until(world, "completed")
    late = (await done(world, "status", "--json")).json
    assert [late[name] for name in (*ESTIMATE, "seconds_left")] == [None] * 4
    assert late["avg_partition_duration_ms"] > 0


@pytest.mark.parametrize(
    ("pattern", "left", "is_open"),
    [
        # In each tenth of the hundred seconds in which it ran, so many of thirty partitions; ten are left.
        ([2] * 10, (50, 50, 50), False),
        ([1, 3] * 5, (33.3, 50, 100), False),
        ([20] + [0] * 9, (50, 50, None), True),
        ([0, 0, 0, 1, 2, 3, 5, 5, 2, 2], (20, 50, None), True),
    ],
)
async def test_the_estimate_lies_within_its_range(
    world: World, pattern: list[int], left: tuple[float, float, float | None], is_open: bool
) -> None:
    await world.rows(30)
    job = await queued(world, "--mode=all", "--batch-size=1")
    await world.execute(
        "UPDATE backfill_jobs SET state = 'running', started_at = clock_timestamp() - interval '100 s', "
        "running_since = clock_timestamp() - interval '100 s'"
    )
    keys = iter(range(1, 31))
    for tenth, count in enumerate(pattern):
        for _ in range(count):
            await world.execute(
                "UPDATE backfill_partitions SET state = 'completed', records_updated = 1, duration_ms = 40, "
                "completed_at = clock_timestamp() - make_interval(secs => $1::float8) WHERE partition_key::int = $2",
                95 - 10 * tenth,
                next(keys),
            )

    await jobs.roll_up(world.connection, job)

    row = (await world.fetch(f"SELECT clock_timestamp() AS now, {', '.join(ESTIMATE)} FROM backfill_jobs"))[0]
    times = [row[name] for name in ESTIMATE]
    assert (times[2] is None) == is_open
    assert [time for time in times if time] == sorted(time for time in times if time)
    for time, seconds in zip(times, left, strict=True):
        if seconds is not None:
            assert (time - row["now"]).total_seconds() == pytest.approx(seconds, rel=0.05)
    assert await world.value("SELECT avg_partition_duration_ms FROM backfill_jobs") == pytest.approx(40)


@pytest.mark.parametrize(
    ("deadline", "estimate", "sla"),
    [
        (None, "1 hour", None),
        ("2 hours", "1 hour", "on_time"),
        ("30 minutes", "1 hour", "at_risk"),
        ("-1 minute", "1 hour", "breached"),
    ],
)
async def test_a_deadline_is_on_time_at_risk_or_breached(
    world: World, deadline: str | None, estimate: str, sla: str | None
) -> None:
    await in_state(world, "running")
    await world.execute(
        "UPDATE backfill_jobs SET sla_deadline_at = now() + $1::text::interval, "
        "estimated_completion_at = now() + $2::text::interval",
        deadline,
        estimate,
    )
    assert (await done(world, "status", "--json")).json["sla"] == sla
    shown = (await done(world, "status")).out
    assert ("Deadline: " in shown) == (sla is not None)


async def test_a_deadline_at_the_edge_of_the_range_is_at_risk(world: World) -> None:
    await in_state(world, "running")
    await world.execute(
        "UPDATE backfill_jobs SET sla_deadline_at = now() + interval '2 hours', "
        "estimated_completion_at = now() + interval '1 hour', latest_completion_at = now() + interval '3 hours'"
    )
    assert (await done(world, "status", "--json")).json["sla"] == "at_risk"
