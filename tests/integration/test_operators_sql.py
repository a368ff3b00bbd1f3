"""The operators' own SQL, as it stands in their runbooks."""

from uuid import UUID

import pytest

from tests.support.operating import (
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

pytestmark = pytest.mark.long

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
    await go_on(world)

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
    await world.execute(
        "UPDATE backfill_partitions SET attempt_count = 6, interruptions = 6 WHERE partition_key = '000000002'"
    )
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
