"""What operators change of a job while it is being queued: the producer looks before each page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backfill.modes import Priority
from tests.support.commands import Command
from tests.support.operating import closed_gate, done
from tests.support.waiting import eventually
from tests.support.world import World

# The second page of twenty is planned while nobody holds the gate.
GATE = """
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(77);
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER gate BEFORE INSERT ON backfill_partitions
        FOR EACH ROW WHEN (NEW.partition_key > '000000020') EXECUTE FUNCTION wait_at_the_gate();
"""


async def ready(world: World, priority: Priority) -> int:
    return (await world.depths())[world.topology.queue(priority)]


@asynccontextmanager
async def queueing(world: World) -> AsyncIterator[Command]:
    """A producer of three pages that has published the first of them, and goes on after the block."""
    await world.rows(60)
    await world.execute(GATE)
    async with closed_gate(world):
        producer = world.producer("--mode=all", "--batch-size=1")
        await eventually(lambda: "Queued batch 20 " in producer.output)
        yield producer


async def test_the_messages_of_a_job_go_where_its_priority_is_now(world: World) -> None:
    async with queueing(world) as producer:
        await done(world, "set", "latest", "--priority", "high")
    assert await producer.wait() == 0, producer.output

    # The first page's were sent before; they are sent again, and their first messages find nothing.
    assert await ready(world, Priority.NORMAL) == 20
    assert await ready(world, Priority.HIGH) == 60
    assert "Queued 60 records in 60 batches" in producer.output
    await world.finish()
    await world.ends_well()


async def test_a_job_that_is_paused_while_it_is_queued_sends_nothing_until_it_goes_on(world: World) -> None:
    async with queueing(world) as producer:
        await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = clock_timestamp()")
        await done(world, "pause", "latest")
    assert await producer.wait() == 0, producer.output
    assert await ready(world, Priority.NORMAL) == 20

    await done(world, "resume", "latest")
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.ends_well()


async def test_a_job_that_is_cancelled_while_it_is_queued_ends_its_producer(world: World) -> None:
    async with queueing(world) as producer:
        await done(world, "cancel", "latest", "--reason=enough")

    assert await producer.wait() == 4, producer.output
    assert "or ended, while this one planned" in producer.output
    assert await ready(world, Priority.NORMAL) == 20
    await world.purge(world.topology.queue(Priority.NORMAL))
    await world.ends_well(states=["cancelled"])
