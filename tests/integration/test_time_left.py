"""When a job will have ended, how sure that is, and whether its deadline holds."""

import pytest

from backfill.ledger import jobs
from tests.support.operating import closed_gate, done, in_state, queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

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
    now = await world.value("SELECT clock_timestamp()")
    await world.execute(
        "UPDATE backfill_jobs SET state = 'running', started_at = $1::timestamptz - interval '100 s', "
        "running_since = $1 - interval '100 s'",
        now,
    )
    tenths = [tenth for tenth, count in enumerate(pattern) for _ in range(count)]
    await world.execute(
        "UPDATE backfill_partitions SET state = 'completed', records_updated = 1, duration_ms = 40, completed_at = "
        "$1::timestamptz - make_interval(secs => 95 - 10 * ($2::int[])[partition_key::int]) "
        "WHERE partition_key::int <= cardinality($2::int[])",
        now,
        tenths,
    )

    before = await world.value("SELECT clock_timestamp()")
    await jobs.roll_up(world.connection, job)

    row = (await world.fetch(f"SELECT clock_timestamp() AS now, {', '.join(ESTIMATE)} FROM backfill_jobs"))[0]
    times = [row[name] for name in ESTIMATE]
    assert (times[2] is None) == is_open
    assert [time for time in times if time] == sorted(time for time in times if time)
    for time, seconds in zip(times, left, strict=True):
        if seconds is not None:  # from a moment between the two on, and the machine may have stood still for a few
            assert (time - row["now"]).total_seconds() < 1.1 * seconds
            assert (time - before).total_seconds() > 0.95 * seconds
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
