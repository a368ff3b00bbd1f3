"""The queues' depths are kept, a minute at a time."""

from backfill.ledger import depths
from tests.support.operating import queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

KEPT = "SELECT backfill, ready, unacknowledged, delayed, dead FROM backfill_depths ORDER BY minute"


async def test_the_worker_that_leads_remembers_how_deep_its_queues_are(world: World) -> None:
    await world.rows(20)
    await queued(world)
    async with working(world):
        await until(world, "completed")
        await eventually(lambda: world.value("SELECT count(*) > 0 FROM backfill_depths"))
    [row] = await world.fetch(f"{KEPT} LIMIT 1")
    assert (row["backfill"], row["unacknowledged"], row["delayed"], row["dead"]) == (world.backfill, None, 0, 0)
    assert await world.value("SELECT minute = date_trunc('minute', minute) FROM backfill_depths LIMIT 1")


async def test_there_is_one_a_minute_and_a_day_of_them(world: World) -> None:
    await world.execute(
        "INSERT INTO backfill_depths (backfill, minute, ready, delayed, dead) SELECT name, now() - age, 9, 9, 9 "
        "FROM unnest('{counter,another}'::text[]) name, unnest('{23 hours,25 hours}'::interval[]) age"
    )
    for ready in (5, 3):
        await depths.remember(world.connection, "counter", ready=ready, unacknowledged=1, delayed=2, dead=0)
    kept = await world.fetch(f"{KEPT.replace(' ORDER', ' WHERE backfill = $1 ORDER')}", "counter")
    assert [row["ready"] for row in kept] == [9, 3] or [row["ready"] for row in kept] == [9, 5, 3]
    assert await world.value("SELECT count(*) FROM backfill_depths WHERE backfill = 'another'") == 2
