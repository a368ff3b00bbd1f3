"""What can be set while a job runs: a limit of workers, a pause between partitions, a priority."""

from typing import Any

import pytest

from backfill.modes import Priority
from tests.support.operating import (
    ask,
    closed_gate,
    completed,
    counted_once,
    done,
    in_state,
    queued,
    starts,
    until,
    working,
)
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


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

        await eventually(until_done, interval=0.01)
        assert holders <= {0, 1}
        # Lifted again: the others come back.
        async with closed_gate(world):
            await done(world, "set", "latest", "--max-workers", "0")
            await eventually(look_for(look, 3), what="three workers that hold partitions")
        await until(world, "completed")
    await counted_once(world, 200)


def look_for(look: Any, expected: int) -> Any:
    async def seen() -> bool:
        found = await look()
        assert found == expected, found
        return True

    return seen


async def test_a_pause_between_partitions_is_obeyed_and_ends_when_it_is_taken_away(world: World) -> None:
    await world.rows(300)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET pause_ms = 300")  # so that it has not ended before it is set
    async with working(world):
        await completed(world, 1)
        await done(world, "set", str(job), "--pause-ms", "10000")
        rests = "SELECT max(started_at) < now() - interval '1.5 s' FROM backfill_partitions"
        await eventually(lambda: world.value(rests))
        at_rest = await starts(world)
        assert at_rest < 30

        await done(world, "set", str(job), "--pause-ms", "0")

        async def went_on() -> bool:
            assert await starts(world) > at_rest
            return True

        await eventually(went_on)
        await until(world, "completed")
    rested = "SELECT started_at - lag(completed_at) OVER (ORDER BY started_at) AS long FROM backfill_partitions"
    # It looks up each second whether it still should.
    assert 1 < (await world.value(f"SELECT max(long) FROM ({rested}) r")).total_seconds() < 10
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


async def test_a_changed_priority_takes_effect_soon(world: World) -> None:
    # Given a normal job that rests and a worker whose next partition would be the normal one's
    await world.rows(400)
    normal = await queued(world, "--mode=all", "--batch-size=1", *[f"--id={n}" for n in range(1, 201)])
    urgent = await queued(world, "--mode=all", "--batch-size=1", *[f"--id={n}" for n in range(201, 221)])
    await world.execute("UPDATE backfill_jobs SET pause_ms = 50")
    async with working(world, BACKFILL_RECONCILE_SECONDS="300"):  # no round finds its messages in the wrong queue
        await completed(world, 1)

        await done(world, "set", str(urgent), "--priority", "high")

        async def begun() -> bool:
            assert await world.value(
                "SELECT count(*) FROM backfill_partitions WHERE backfill_job_id = $1 AND attempt_count > 0", urgent
            )
            return True

        await eventually(begun)
    # As many of the normal job as a worker does in two seconds have begun meanwhile, and not all that waited before.
    meanwhile = """
        SELECT count(*) FROM backfill_partitions WHERE backfill_job_id = $1
            AND started_at > (SELECT max(at) FROM backfill_events WHERE event = 'job.set')
            AND started_at < (SELECT min(started_at) FROM backfill_partitions WHERE backfill_job_id = $2)
    """
    assert await world.value(meanwhile, normal, urgent) <= 40


async def test_a_low_job_waits_for_the_others_and_does_not_starve(world: World) -> None:
    await world.rows(200)
    low = await queued(world, "--mode=all", "--batch-size=2", "--priority=low", *[f"--id={n}" for n in range(1, 81)])
    normal = await queued(world, "--mode=all", "--batch-size=2", *[f"--id={n}" for n in range(81, 161)])
    assert await world.value("SELECT priority FROM backfill_jobs WHERE id = $1", low) == "low"
    await world.execute("UPDATE backfill_jobs SET pause_ms = 30")
    async with working(world):
        await until(world, "completed", normal)
        await until(world, "completed", low)
    rows = await world.fetch("SELECT backfill_job_id FROM backfill_partitions ORDER BY completed_at")
    is_normal = [row[0] == normal for row in rows]
    meanwhile = is_normal[is_normal.index(True) : len(is_normal) - is_normal[::-1].index(True)]
    assert sum(meanwhile) == 40
    assert 8 <= len(meanwhile) - 40 <= 20


async def test_a_job_becomes_low_and_its_retries_and_lost_messages_stay_so(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base="CASE WHEN id = 3 THEN 1 ELSE 0 END")
    job = await queued(world)
    answer = await done(world, "set", str(job), "--priority=low", "--json")
    assert answer.json["changed"]
    await world.purge(world.topology.queue(Priority.NORMAL))
    async with working(world):
        await until(world, "completed", job)
    await done(world, "retry", str(job))
    async with working(world):
        await until(world, "completed")
    assert [row["priority"] for row in await world.fetch("SELECT priority FROM backfill_jobs")] == ["low", "low"]


async def test_a_high_job_goes_first_and_does_not_starve_a_normal_one(world: World) -> None:
    await world.rows(160)
    normal = await queued(world, "--mode=all", "--batch-size=2", *[f"--id={n}" for n in range(1, 81)])
    high = await queued(
        world, "--mode=all", "--batch-size=2", "--priority=high", *[f"--id={n}" for n in range(81, 161)]
    )
    # So long that the broker has sent more before the few of the high job that the worker holds have been used up.
    await world.execute("UPDATE backfill_jobs SET pause_ms = 30")
    async with working(world):
        await until(world, "completed", normal)
        await until(world, "completed", high)
    rows = await world.fetch("SELECT backfill_job_id FROM backfill_partitions ORDER BY completed_at")
    is_high = [row[0] == high for row in rows]
    meanwhile = is_high[is_high.index(True) : len(is_high) - is_high[::-1].index(True)]
    # Of four that are taken while both wait, one is a normal one.
    assert sum(meanwhile) == 40
    assert 8 <= len(meanwhile) - 40 <= 20


async def test_an_ended_job_cannot_be_set_and_a_call_without_options_is_wrong(world: World) -> None:
    job = await in_state(world, "cancelled")
    assert (await ask(world, "set", str(job), "--pause-ms", "5")).code == 4
    assert (await ask(world, "set", str(job))).code == 2
    assert (await ask(world, "set", str(job), "--pause-ms", "10001")).code == 2


async def test_a_deadline_is_set_and_taken_away(world: World) -> None:
    await world.rows(10)
    job = await queued(world)
    deadline = "SELECT sla_deadline_at FROM backfill_jobs"
    await done(world, "set", str(job), "--deadline=2030-01-01")
    assert await world.value(deadline) is not None

    answer = await done(world, "set", str(job), "--deadline=none")

    assert answer.out.strip() == f"Job {job}: deadline none"
    assert await world.value(deadline) is None
    assert (await ask(world, "set", str(job), "--deadline=never")).code == 2
