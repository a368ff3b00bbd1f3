"""`--until-complete` may die anywhere: the same again goes on with the pass there is; each value is written once."""

import pytest

from tests.support.operating import until, working
from tests.support.world import World

pytestmark = pytest.mark.long

PLACES = {
    "passes.after_open=kill@2": 2,  # between passes: the second is queued, nobody waits for it
    "producer.after_open=kill@2": 2,  # it is there, and nothing of it is planned
    "producer.after_plan=kill@2": 2,
    "producer.after_open=kill@1": 1,
}


@pytest.mark.parametrize("place", PLACES)
async def test_the_same_again_goes_on_with_the_pass_that_is_there(world: World, place: str) -> None:
    world.definition = "tests.support.stepwise:Stepwise"
    await world.rows(40)
    victim = world.producer("--mode=null", "--until-complete", failpoint=place)
    async with working(world):
        await world.until_killed(victim)
        opened = await world.value("SELECT count(*) FROM backfill_jobs")
        assert opened == PLACES[place]
        if await world.value("SELECT planned_at IS NOT NULL FROM backfill_jobs ORDER BY created_at DESC LIMIT 1"):
            await until(world, "completed")
        # Its lease on the planning is longer than a test would wait for.
        await world.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity' WHERE planned_at IS NULL")
        again = world.producer("--mode=null", "--until-complete")
        assert await again.wait(60) == 0, again.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 40
    assert await world.value("SELECT count(*) FROM audit") == 40
    rows = await world.fetch("SELECT first_job_id, max(pass_number), count(*) FROM backfill_jobs GROUP BY 1")
    assert all(row[1] == row[2] for row in rows)
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 4
    await world.ends_well()
