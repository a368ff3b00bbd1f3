"""A page tells the truth also of what nobody has counted: jobs of before, of another cluster, and what ended since."""

from datetime import datetime
from typing import Final
from uuid import UUID

import pytest

from backfill.ledger import jobs, operations, views
from backfill.states import JobState
from tests.support.world import World

PARTITIONS: Final = 50_700
ENDED: Final = {"completed": [1, 2, 501, 50_699], "failed": [3, 50_700], "skipped": [502]}
LATER: Final = 700  # settles behind the last count
END: Final = """
    UPDATE backfill_partitions SET state = $1, started_at = $3, completed_at = $3, records_updated = 1, worker_id = $4,
        lease_expires_at = NULL
    WHERE partition_key = ANY (SELECT lpad(n::text, 9, '0') FROM unnest($2::integer[]) AS n)
"""
FORGET: Final = "DELETE FROM backfill_bins; DELETE FROM backfill_minutes; DELETE FROM backfill_worker_counts;"
UNCOUNTED: Final = {
    "ended since": "SELECT",
    "of before": FORGET + "UPDATE backfill_rollups SET snapshot = NULL, cluster = NULL",
    "without a row": FORGET + "DELETE FROM backfill_rollups",
    "amended": "UPDATE backfill_rollups SET snapshot = NULL",
    "of another cluster": "UPDATE backfill_rollups SET cluster = cluster + 1",
}


async def ended(world: World) -> tuple[UUID, datetime]:
    """A large job that was cancelled with a partition in hand, and the minute in which its partitions ended."""
    job: UUID = await world.value(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, key_range, planned_at, "
        "started_at) VALUES ('made', 'null', 10, 'x', 'running', 'empty', now(), now() - interval '10 minutes') "
        "RETURNING id"
    )
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count) "
        "SELECT $1, lpad(n::text, 9, '0'), ARRAY[n::text], 1 FROM generate_series(1, $2::integer) AS n",
        job,
        PARTITIONS,
    )
    worker = await world.value(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'here', 1, '{made}', 1, 1) RETURNING id"
    )
    minute: datetime = await world.value("SELECT date_trunc('minute', now(), 'UTC') - interval '5 minutes'")
    for state, numbers in ENDED.items():
        await world.execute(END, state, numbers, minute, worker)
    await world.execute(
        "UPDATE backfill_partitions SET state = 'running', lease_expires_at = now(), started_at = now() "
        "WHERE partition_key = lpad($1::text, 9, '0')",
        str(LATER),
    )
    await jobs.roll_up(world.connection, job)
    await operations.cancel(world.connection, job, actor="test", reason=None)
    await world.execute(END, "completed", [LATER], minute, worker)
    return job, minute


@pytest.mark.parametrize("uncounted", UNCOUNTED)
async def test_what_is_not_counted_is_read(world: World, uncounted: str) -> None:
    job, minute = await ended(world)
    await world.execute(UNCOUNTED[uncounted])
    assert await world.state() == JobState.CANCELLED

    cells = (await views.partition_map(world.connection, job))["cells"]
    for state, numbers in (ENDED | {"completed": [*ENDED["completed"], LATER]}).items():
        expected = [sum(int(one["first_key"]) <= n <= int(one["last_key"]) for n in numbers) for one in cells]
        assert [one[state] for one in cells] == expected, state
    assert sum(one["running"] for one in cells) == 0
    assert sum(one["pending"] for one in cells) == PARTITIONS - 8

    keys: list[int] = []
    place = None
    while not keys or place is not None:
        page = await views.partition_page(world.connection, job, states=["completed"], cursor=place, limit=2)
        keys += [int(item["partition_key"]) for item in page.items]
        place = page.next_cursor
    assert keys == [1, 2, 501, LATER, 50_699]

    found = await views.minutes(world.connection, job)
    assert [one["minute"] for one in found if one["records"]] == [minute]
    assert sum(one["partitions"] for one in found) == sum(one["updated"] for one in found) == 8
    (worker,) = await views.job_workers(world.connection, job)
    assert (worker["partitions"], worker["updated"]) == (8, 8)


@pytest.mark.parametrize("uncounted", ["ended since", "of before"])
async def test_when_half_was_reached_is_known(world: World, uncounted: str) -> None:
    job: UUID = await world.value(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, state, key_range, planned_at, "
        "started_at) VALUES ('made', 'null', 10, 'x', 'running', 'empty', now(), now() - interval '10 minutes') "
        "RETURNING id"
    )
    await world.execute(
        "INSERT INTO backfill_partitions (backfill_job_id, partition_key, record_ids, record_count) "
        "SELECT $1, lpad(n::text, 9, '0'), ARRAY[n::text], 1 FROM generate_series(1, 4) AS n",
        job,
    )
    await operations.set_job(
        world.connection, job, actor="test", priority="low", max_workers=None, pause_ms=None, deadline=None
    )
    minute: datetime = await world.value("SELECT date_trunc('minute', now(), 'UTC') - interval '5 minutes'")
    await world.execute("ALTER TABLE backfill_events DISABLE TRIGGER USER")
    await world.execute("UPDATE backfill_events SET at = $1::timestamptz + interval '65 seconds'", minute)
    await world.execute(END, "completed", [1, 2, 3], minute, None)
    await world.execute(UNCOUNTED[uncounted])
    found = await views.report(world.connection, job)
    assert found.milestones[0]["reached_at"] == minute
    assert found.changes[0]["rate_before"] == pytest.approx(3 / 300)
