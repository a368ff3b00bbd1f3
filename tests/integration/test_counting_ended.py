"""A job that has ended is counted too, whatever has become of it since: by the worker that leads its backfill."""

from typing import Final

import pytest

from tests.support.operating import queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

FORGOTTEN: Final = "DELETE FROM backfill_bins; DELETE FROM backfill_minutes; DELETE FROM backfill_worker_counts; "
ROLLED: Final = "SELECT sum(completed) FROM backfill_bins"
SAID: Final = "SELECT completed_partitions, records_updated, heartbeat_at FROM backfill_jobs"


@pytest.mark.parametrize(
    "lost",
    [
        FORGOTTEN + "DELETE FROM backfill_rollups",
        FORGOTTEN + "UPDATE backfill_rollups SET snapshot = NULL",
        FORGOTTEN + "UPDATE backfill_rollups SET cluster = 1",
        FORGOTTEN + "UPDATE backfill_rollups SET snapshot = '999999999990:999999999990:'",
    ],
)
async def test_what_is_not_counted_of_a_job_that_has_ended_is_counted_by_workers(world: World, lost: str) -> None:
    await world.rows(40)
    await queued(world)
    async with working(world):
        await until(world, "completed")
    before = await world.fetch(SAID)
    assert await world.value(ROLLED) == 4
    await world.execute(lost)
    async with working(world):
        await eventually(lambda: _is(world, 4), what="four partitions counted")
    assert await world.fetch(SAID) == before
    assert await world.value("SELECT sum(updated) FROM backfill_minutes") == 40


async def test_what_was_in_hand_when_its_job_was_cancelled_is_counted_when_it_has_ended(world: World) -> None:
    await world.rows(40)
    await queued(world)
    await world.execute(
        "UPDATE backfill_partitions SET state = 'running', started_at = now(), "
        "lease_expires_at = now() + interval '1 minute' WHERE partition_key = '000000002'"
    )
    await world.execute("UPDATE backfill_jobs SET state = 'cancelled', completed_at = now()")
    await world.execute(
        "UPDATE backfill_partitions SET state = 'completed', completed_at = now(), lease_expires_at = NULL, "
        "records_updated = 10 WHERE partition_key = '000000002'"
    )
    async with working(world):
        await eventually(lambda: _is(world, 1), what="the partition counted")
    assert await world.value("SELECT sum(updated) FROM backfill_minutes") == 10


async def _is(world: World, partitions: int) -> bool:
    found: int | None = await world.value(ROLLED)
    return found == partitions
