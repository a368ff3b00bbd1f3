"""Any key of any length makes its way: the message stays small, and a worker takes the ids from the ledger."""

import json

import pytest

from backfill.modes import Priority
from backfill.topology import Topology
from tests.support.operating import queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


async def all_done(world: World, records: int) -> None:
    async with working(world):
        await until(world, "completed")
        await eventually(world.queues_are_empty)
    assert await world.value("SELECT count(*) FROM labels WHERE normalised = 'a title'") == records
    assert await world.dead() == []
    assert await world.value("SELECT records_updated FROM backfill_jobs") == records


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("batch_size", [1, 2, 500])
async def test_an_empty_and_a_long_text_are_keys(world: World, order: str, batch_size: int) -> None:
    world.definition = "ByCode"
    codes = ["", "a", "x" * 256, "é" * 1_000, 'quo"te\\', "line\nend"]
    await world.execute("INSERT INTO labels (code, title) SELECT code, 'A  Title' FROM unnest($1::text[]) code", codes)

    await queued(world, "--mode=all", f"--batch-size={batch_size}", f"--order={order}")

    planned = await world.fetch("SELECT unnest(record_ids) AS id FROM backfill_partitions")
    assert sorted(row["id"] for row in planned) == sorted(codes)
    await all_done(world, len(codes))


async def test_many_long_keys_in_one_partition_are_published(world: World) -> None:
    world.definition = "ByCode"
    await world.execute(
        "INSERT INTO labels (code, title) SELECT repeat(md5(n::text), 60), 'A  Title' FROM generate_series(1, 500) n"
    )
    await queued(world, "--mode=null", "--batch-size=500")
    await all_done(world, 500)


async def test_ten_thousand_uuids_in_one_partition_are_published(world: World) -> None:
    world.definition = "Normalised"
    await world.execute("INSERT INTO labels (code, title) SELECT n::text, 'A  Title' FROM generate_series(1, 10000) n")
    await queued(world, "--mode=null", "--batch-size=10000")
    async with world.broker() as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(Topology("normalised").queue(Priority.NORMAL), ensure=False)
        message = await queue.get(timeout=10)
        shown = json.loads(message.body)
        await message.nack(requeue=True)
    assert shown["count"] == 10_000
    assert shown["first"] < shown["last"]
    assert len(message.body) < 1_000
    await all_done(world, 10_000)


async def test_a_partition_that_cannot_be_published_keeps_no_other_from_its_message(world: World) -> None:
    await world.rows(50)
    job = await queued(world, "--mode=all", "--batch-size=1")
    await world.purge(world.topology.queue(Priority.NORMAL))
    await world.execute("UPDATE backfill_partitions SET published_at = NULL")
    await world.execute(  # as nobody could: past the triggers that keep what was planned
        "SET session_replication_role = replica; "
        "UPDATE backfill_partitions SET record_ids = ARRAY[NULL::text] WHERE partition_key <= '000000002'; "
        "RESET session_replication_role"
    )
    said: list[str] = []
    async with working(world, say=said.append) as (worker,):

        async def others_done() -> bool:
            states = await world.partitions()
            return states["completed"] == 48

        await eventually(others_done)
        republisher = worker._parts.upkeep.republisher
        seen = republisher.unpublished
        await eventually(lambda: republisher.unpublished > seen + 2, what="more rounds")
    complaints = [line for line in said if "Cannot publish" in line]
    assert sorted(line.split(":")[0] for line in complaints) == [
        f"Cannot publish partition 00000000{number} of job {job}" for number in (1, 2)
    ]
