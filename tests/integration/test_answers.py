"""Answers of a service are written whatever ends the claim meanwhile, and nothing is called for twice."""

import pytest

from backfill import Limit
from backfill.modes import Priority
from tests.support import pieces
from tests.support.operating import done, queued, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

VERBS = ("stop", "pause", "cancel")


async def kept(world: World) -> None:
    """What was answered is written, the rest is nobody's and has cost no attempt."""
    partition = (await world.fetch("SELECT * FROM backfill_partitions"))[0]
    assert (partition["state"], partition["attempt_count"], partition["held_reason"]) == ("pending", 0, None)


@pytest.mark.parametrize("verb", VERBS)
async def test_what_was_answered_is_written_when_the_rest_is_not_waited_for(world: World, verb: str) -> None:
    world.definition = "tests.support.ways:Limited"
    await world.rows(20, base="id")
    await queued(world, "--mode=all", "--batch-size=20")
    async with working(world) as (worker,):
        await eventually(lambda: worker.stats.calls == 5)
        if verb != "stop":
            await done(world, verb, "latest", "--reason=enough")
            await eventually(lambda: world.value("SELECT state = 'pending' FROM backfill_partitions"))
    assert worker.stats.calls == 5
    assert await world.value("SELECT array_agg(id ORDER BY id) FROM things WHERE value = id * 2") == [1, 2, 3, 4, 5]
    assert await world.value("SELECT calls_made FROM backfill_partitions") == 5
    assert await world.value("SELECT records_updated FROM backfill_partitions") == 5
    await kept(world)
    # It comes again where its channel was lost before it was acknowledged, which costs a look.
    await world.purge(world.topology.queue(Priority.NORMAL))
    await world.ends_well(states={"stop": ["running"], "pause": ["paused"], "cancel": ["cancelled"]}[verb])


async def test_what_was_answered_is_written_though_one_call_never_ends(world: World) -> None:
    world.definition = "tests.support.ways:Endless"
    await world.rows(20, base="CASE id WHEN 3 THEN 7 ELSE 1 END")
    await queued(world, "--mode=all", "--batch-size=20")
    async with working(world) as (worker,):
        worker._stopping.seconds = 1.5  # the rest of a whole drain is for writing, also where the machine stands still
        await eventually(lambda: worker.stats.calls == 20)
    assert await world.value("SELECT array_agg(id) FROM things WHERE value IS NULL") == [3]
    await kept(world)
    await world.execute("UPDATE things SET base = 1 WHERE id = 3")
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_key_of_which_a_part_was_answered_is_fetched_to_its_end(world: World, verb: str) -> None:
    world.definition = "tests.support.pieces:PagedMonths"
    await queued(world, "--batch-size=12")
    async with working(world) as (worker,):
        await eventually(lambda: worker.stats.calls == 1)
        if verb != "stop":
            await done(world, verb, "latest", "--reason=enough")
        before = worker.stats.calls
        if verb != "stop":
            await eventually(lambda: world.value("SELECT state = 'pending' FROM backfill_partitions"))
    written = await world.value("SELECT count(*) FROM months WHERE writes = 1")
    assert written == await world.value("SELECT records_updated FROM backfill_partitions")
    assert worker.stats.calls == await world.value("SELECT calls_made FROM backfill_partitions") == 3 * written
    assert 1 <= written <= before // 3 + 2, "what was begun, and one at most before the worker looked"
    await kept(world)


@pytest.mark.parametrize("name", ["PagedMonths", "CarelessMonths"])
async def test_a_key_whose_limit_rests_is_not_waited_for(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getattr(pieces, name), "limit", Limit(rate=0.1))  # the second call is not made before the rest
    world.definition = f"tests.support.pieces:{name}"
    await queued(world, "--batch-size=12")
    async with working(world) as (worker,):
        await eventually(lambda: worker.stats.calls == 1)
        await world.execute("UPDATE backfill_limits SET held_until = clock_timestamp() + interval '1 minute'")
    assert worker.stats.calls == 1
    assert await world.value("SELECT count(*) FROM months") == 0
    await kept(world)
