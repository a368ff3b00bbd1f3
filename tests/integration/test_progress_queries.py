"""The queries in sql/progress/ tell the numbers of jobs that real workers have left behind."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backfill import statements
from backfill.ledger import jobs, operations, progress
from tests.support.situations import BASES
from tests.support.waiting import eventually
from tests.support.world import World

NAMES = sorted(path.stem for path in (statements.FOLDER / "progress").glob("*.sql"))


async def rows(world: World, name: str) -> list[asyncpg.Record]:
    return await world.fetch(statements.read(f"progress/{name}"))


async def row(world: World, name: str) -> asyncpg.Record:
    (found,) = await rows(world, name)
    return found


async def halfway(world: World, *, records: int = 40, done: int = 15) -> None:
    """A job in batches of five, some of which a worker has done one after another."""
    await world.rows(records)
    await world.queue("--mode=null", "--batch-size=5")
    worker = world.worker("--burst", "--concurrency=1", f"--max-records={done}")
    assert await worker.wait() == 0, worker.output


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_ledger_has_no_rows(world: World, name: str) -> None:
    assert await rows(world, name) == []


async def test_each_tenant_sees_its_own(world: World) -> None:
    world.definition = BASES["failed records"].definition
    await BASES["failed records"].build(world)
    await world.queue("--mode=all", "--id=1", "--id=2")
    await operations.pause(world.connection, await world.job(), actor="test")
    await operations.resume(world.connection, await world.job(), actor="test")
    await operations.pause(world.connection, await world.job(), actor="test")
    await world.execute("UPDATE backfill_jobs SET scope_records = 40, scope_covered = 0, scope_is_estimate = false")
    role = f"operator_{secrets.token_hex(6)}"
    await world.execute(f"CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        for tenant, is_empty in (("default", False), ("other", True)):
            async with world.session() as session:
                await session.execute(f"SET ROLE {role}; SET app.current_tenant = '{tenant}'")
                for name in NAMES:
                    found = await session.fetch(statements.read(f"progress/{name}"))
                    assert (found == []) is is_empty, (name, found)
    finally:
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_what_is_left(world: World) -> None:
    await halfway(world)
    found = await row(world, "remaining")
    assert (found["asset_name"], found["state"], found["is_planned"]) == ("counter", "running", True)
    assert (found["records_left"], found["pending"], found["running"], found["completed"]) == (25, 5, 0, 3)
    assert (found["failed"], found["skipped"], found["held"], found["held_reason"]) == (0, 0, 0, None)
    assert (found["retries_waiting"], found["retries_due"], found["next_retry_at"]) == (0, 0, None)

    # Two wait for a retry, one of them in vain; one is held by somebody; and one had a part of its records written
    await world.execute(
        """
        UPDATE backfill_partitions SET not_before = now() + interval '4 minutes' WHERE partition_key = '000000004';
        UPDATE backfill_partitions SET not_before = now() - interval '1 minute' WHERE partition_key = '000000005';
        UPDATE backfill_partitions SET not_before = now() + interval '1 second',
            held_since = now() - interval '90 seconds', held_reason = 'waits for a lock of psql'
            WHERE partition_key = '000000006';
        UPDATE backfill_partitions SET remaining_ids = '{39,40}', records_updated = 2, records_skipped = 1
            WHERE partition_key = '000000008';
        """
    )
    found = await row(world, "remaining")
    assert (found["records_left"], found["pending"]) == (22, 5)
    assert (found["retries_waiting"], found["retries_due"], found["held"]) == (1, 1, 1)
    assert found["next_retry_at"] < datetime.now(UTC)
    assert (found["held_secs"], found["held_reason"]) == (pytest.approx(90, abs=20), "waits for a lock of psql")

    await operations.cancel(world.connection, await world.job(), actor="test", reason="test")
    assert await rows(world, "remaining") == []


async def spread(world: World, *seconds_ago: float) -> None:
    """The job has run for a hundred seconds, and its ended partitions ended so long ago."""
    await world.execute("UPDATE backfill_jobs SET running_since = clock_timestamp() - interval '100 seconds'")
    for number, ago in enumerate(seconds_ago, start=1):
        await world.execute(
            "UPDATE backfill_partitions SET completed_at = clock_timestamp() - make_interval(secs => $2)"
            " WHERE partition_key = $1",
            f"{number:09}",
            float(ago),
        )


async def test_when_it_will_be_done(world: World) -> None:
    await halfway(world, records=100, done=50)
    job = await world.job()

    # Five records in each of ten spans of ten seconds, and fifty to do; a machine may stand still before they are read
    await spread(world, *range(95, 0, -10))
    found = await row(world, "eta_remaining")
    assert (found["records_open"], found["records_per_second"]) == (50, pytest.approx(0.5, abs=0.05))
    assert found["seconds_left"] == pytest.approx(100, rel=0.1)
    assert (found["sla_deadline_at"], found["sla"]) == (None, None)

    # All in four of them: the best rate is 1.25/s, the worst none
    await spread(world, 95, 94, 93, 75, 74, 73, 55, 54, 35, 34)
    found = await row(world, "eta_remaining")
    now = found["estimated_completion_at"] - timedelta(seconds=int(found["seconds_left"]))
    assert found["seconds_left"] == pytest.approx(100, rel=0.1)
    assert (found["earliest_completion_at"] - now).total_seconds() == pytest.approx(50 / 1.5, rel=0.1)
    assert found["latest_completion_at"] is None

    # And the ledger itself comes to the same
    await jobs.roll_up(world.connection, job)
    (own,) = await world.fetch("SELECT * FROM backfill_jobs WHERE id = $1", job)
    for name in ("earliest_completion_at", "estimated_completion_at"):
        assert abs((own[name] - found[name]).total_seconds()) < 15, name  # a second later is two more to go
    assert own["latest_completion_at"] is None

    for deadline, verdict in ((-10, "breached"), (50, "at_risk"), (1000, "on_time")):
        await world.execute("UPDATE backfill_jobs SET sla_deadline_at = $1", now + timedelta(seconds=deadline))
        assert (await row(world, "eta_remaining"))["sla"] == verdict
        assert (await progress.read(world.connection, job)).sla == verdict

    await operations.pause(world.connection, job, actor="test")
    found = await row(world, "eta_remaining")
    assert (found["state"], found["records_open"], found["records_per_second"]) == ("paused", 50, None)
    assert (found["seconds_left"], found["estimated_completion_at"], found["sla"]) == (None, None, "on_time")
    await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now()")
    assert await rows(world, "eta_remaining") == []


async def test_what_has_happened_since_a_job_was_resumed(world: World) -> None:
    world.definition = "Poison"
    await world.rows(40, base="CASE WHEN id IN (3, 17, 18) THEN 1 ELSE 0 END")
    await world.queue("--mode=null", "--batch-size=5")
    worker = world.worker("--burst", "--concurrency=1", "--max-records=15")
    assert await worker.wait() == 0, worker.output
    assert await rows(world, "resume_monitor") == []  # it was never paused
    job = await world.job()
    await operations.pause(world.connection, job, actor="test")
    await operations.resume(world.connection, job, actor="night shift", reason="the load is gone")

    found = await row(world, "resume_monitor")
    assert (found["state"], found["resumed_by"], found["reason"]) == ("resuming", "night shift", "the load is gone")
    assert found["first_claim_at"] is found["last_ended_at"] is None
    assert (found["partitions"], found["records"]) == (0, 0)
    assert (found["in_hand"], found["partitions_left"], found["records_per_second"]) == (0, 5, None)

    await world.finish()
    found = await row(world, "resume_monitor")
    assert found["state"] == "completed"
    assert (found["partitions"], found["records"], found["partitions_left"]) == (5, 25, 0)
    assert (found["records_failed"], found["partitions_failed"]) == (2, 0)  # the third was before
    first = await world.value("SELECT min(started_at) FROM backfill_partitions WHERE partition_key > '000000003'")
    assert found["resumed_at"] <= first <= found["first_claim_at"] <= found["last_ended_at"]
    assert found["secs_to_first_claim"] >= 0
    assert found["records_per_second"] > 0


async def test_failures_by_the_shape_of_their_message(world: World) -> None:
    world.definition = "Poison"
    await world.rows(40, base="CASE WHEN id IN (3, 17, 18) THEN 1 WHEN id = 30 THEN 4 ELSE 0 END")
    job = await world.queue("--mode=null", "--batch-size=5")
    await world.finish()
    failed = await world.fetch("SELECT * FROM backfill_failures ORDER BY failed_at, id")
    assert len(failed) == 4

    most, single = await rows(world, "failure_pattern")
    assert (most["asset_name"], most["error_class"], most["shape"]) == (
        "poison", "ValueError", "record # cannot be computed"
    )  # fmt: skip
    assert (most["records"], most["jobs"], most["percent"]) == (3, 1, 75)
    alike = [one for one in failed if one["error_class"] == "ValueError"]
    assert (most["first_at"], most["last_at"]) == (alike[0]["failed_at"], alike[-1]["failed_at"])
    assert (most["example_record"], most["example_job"]) == (alike[-1]["record_id"], job)
    assert (single["records"], single["percent"], single["example_record"]) == (1, 25, "30")


@pytest.mark.parametrize(
    ("message", "shape"),
    [
        ("could not convert string to float: 'a1'", "could not convert string to float: '…'"),
        ('column "value" of "things" has -1.5 at 10:20, 2024-05-01', "column '…' of '…' has # at #, #"),
        ("it isn't here: don't ask for 'it'", "it isn't here: don't ask for '…'"),
        ("job 2473d471-c93b-46ca-8168-d3ed5f25146a at 0xFFee of record7", "job # at # of record#"),
        ("without any", "without any"),
    ],
)
async def test_what_makes_two_messages_alike(world: World, message: str, shape: str) -> None:
    world.definition = BASES["failed records"].definition
    await BASES["failed records"].build(world)
    await world.execute("UPDATE backfill_failures SET error_message = $1", message)
    assert [one["shape"] for one in await rows(world, "failure_pattern")] == [shape]


async def test_paused_jobs_say_why_and_what_continues_them(world: World) -> None:
    await halfway(world)
    job = await world.job()
    assert await rows(world, "paused_state") == []

    await operations.pause(world.connection, job, actor="night shift", reason="load")
    await world.execute("UPDATE backfill_jobs SET paused_at = now() - interval '10 minutes'")
    found = await row(world, "paused_state")
    assert (found["paused_by"], found["reason"], found["cause"]) == ("night shift", "load", None)
    assert found["paused_secs"] == pytest.approx(600, abs=30)
    assert (found["records_left"], found["partitions_left"], found["in_hand"]) == (25, 5, 0)
    assert found["continue_with"] == f"backfill resume {job}"

    # It does
    resumed = world.run("backfill", *found["continue_with"].split()[1:], "--json")
    assert await resumed.wait() == 0, resumed.output
    assert json.loads(resumed.output)["jobs"][0]["state"] == "resuming"

    await operations.pause(world.connection, job, actor="test", with_others=True)
    found = await row(world, "paused_state")
    assert (found["cause"], found["continue_with"]) == (
        "all", f"backfill resume --all, or it alone: backfill resume {job}"
    )  # fmt: skip


async def test_what_continues_a_job_that_a_worker_has_paused(world: World) -> None:
    world.definition = "Configured"
    await world.rows(10)
    job = await world.queue("--mode=null", "--batch-size=5")
    worker = world.worker(TEST_INPUTS="SELECT id, valu FROM things WHERE id = ANY($1)")

    async def paused() -> bool:
        return await world.state() == "paused"

    await eventually(paused, what="the worker pausing the job")
    await world.drain(worker)
    found = await row(world, "paused_state")
    assert (found["cause"], found["paused_by"].split()[0], found["records_left"]) == ("definition", "worker", 10)
    # Its definition is another one than that of the job: that alone would have paused it.
    assert f"backfill resume {job} --accept-definition" in found["continue_with"]

    await world.execute("UPDATE backfill_jobs SET changed_definition_hash = NULL")
    assert (await row(world, "paused_state"))["continue_with"] == (
        f"correct its definition or table, restart the workers, then: backfill resume {job}"
    )


async def test_coverage_is_that_of_status(world: World) -> None:
    await halfway(world)
    await world.execute("UPDATE backfill_jobs SET scope_records = 100, scope_covered = 50, scope_is_estimate = true")
    await jobs.roll_up(world.connection, await world.job())

    async def told() -> tuple[int, int, int, int]:
        found = await row(world, "coverage")
        now = (await progress.read(world.connection, await world.job())).coverage
        assert now is not None
        names = ("covered_before", "covered_now", "covered_projected", "in_scope")
        assert tuple(found[name] for name in names) == (now.before, now.now, now.projected, now.in_scope)
        assert (found["asset_name"], found["is_estimate"]) == ("counter", True)
        return now.before, now.now, now.projected, found["percent_now"]

    assert await told() == (50, 65, 90, 65)
    await world.finish()
    assert await told() == (50, 90, 90, 90)


async def test_what_a_job_came_to_by_the_minute(world: World) -> None:
    await halfway(world)
    job = await world.job()
    await world.execute("UPDATE backfill_partitions SET duration_ms = 50 WHERE completed_at IS NOT NULL")
    await jobs.roll_up(world.connection, job)
    found = await rows(world, "by_minute")
    assert sum(one["records"] for one in found) == sum(one["updated"] for one in found) == 15
    assert sum(one["partitions"] for one in found) == 3
    assert {(one["asset_name"], one["job"], one["partition_ms"]) for one in found} == {("counter", job, 50)}
    await world.execute("UPDATE backfill_minutes SET minute = minute - interval '2 hours'")
    assert await rows(world, "by_minute") == []
