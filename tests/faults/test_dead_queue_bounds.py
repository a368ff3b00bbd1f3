"""A dead queue keeps so many messages: what is dropped beyond is said, counted, and missed by nobody."""

import re
from collections import Counter
from typing import Any
from uuid import UUID

from backfill import broker
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.publisher import Publisher
from tests.support.commands import Command
from tests.support.operating import done
from tests.support.waiting import eventually
from tests.support.world import World

KEPT = {"BACKFILL_DEAD_MESSAGES": "10"}


async def buried(world: World, *bodies: bytes) -> None:
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=())
    for body in bodies:
        await publisher.bury(world.backfill, body, "no JSON")
    await publisher.close()


async def dead_are(world: World, count: int) -> bool:
    async with world.broker() as connection:
        assert (found := await broker.depth(connection, world.topology.dead_queue)) == count, found
    return True


async def dropped(world: World, worker: Command, count: int) -> None:
    """Not by the length of the queue: it is short already while what is to be dropped is counted.

    In one round, or in several where the worker stood still while messages came.
    """
    said = rf"Dropped the (\d+) oldest messages of {world.topology.dead_queue}, which keeps 10"

    def are_dropped() -> bool:
        assert (found := [int(one) for one in re.findall(said, worker.output)])
        assert sum(found) == count, found
        return True

    await eventually(are_dropped)


async def events(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await done(world, "events", "--without-job", "--json")).json["events"]
    return found


def of_jobs(told: list[dict[str, Any]]) -> Counter[str]:
    """Of all these events together."""
    found: Counter[str] = Counter()
    for one in told:
        found.update(one["details"]["of_jobs"])
    return found


async def test_the_oldest_are_dropped_with_an_event_and_a_count_and_the_ledger_misses_none(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(10)
    await world.execute("INSERT INTO outage VALUES ('away')")
    job = str(await world.queue("--mode=all", "--batch-size=5"))
    await world.finish(BACKFILL_RETRY_DELAYS="0.05", BACKFILL_FAILED_MINIMUM="100")
    await eventually(lambda: dead_are(world, 2))
    await buried(world, *(b"poison %d" % number for number in range(20)))

    worker = world.worker("--metrics-port=0", **KEPT)
    await dropped(world, worker, 12)
    await world.drain(worker)

    told, there = await events(world), 22
    for event in told:
        assert (event["event"], event["actor"]) == ("dead.dropped", "worker")
        reason = f"queue backfill_flaky_dead had {there} messages and keeps 10: the oldest were dropped"
        assert (event["reason"], event["details"]["asset_name"]) == (reason, "flaky")
        there -= event["details"]["messages"]
    assert (there, of_jobs(told)) == (10, {job: 2})
    assert "dead.dropped" in (await done(world, "events", "--without-job")).out
    assert [one.body for one in await world.dead()] == [b"poison %d" % number for number in range(10, 20)]
    assert len((await done(world, "failures", job, "--json")).json["failures"]) == 10
    await world.execute("DELETE FROM outage")
    await done(world, "retry", job)
    await world.finish(**KEPT)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.ends_well(states=("completed", "failed"), undecodable=10)


async def test_killed_before_it_drops_a_worker_has_said_it_already_and_the_next_one_drops(world: World) -> None:
    await buried(world, *(b"poison %d" % number for number in range(15)))
    await world.until_killed(world.worker(failpoint="dead.before_drop=kill", **KEPT))
    await eventually(lambda: dead_are(world, 15))

    worker = world.worker(**KEPT)
    await dropped(world, worker, 5)
    await world.drain(worker)

    first, *others = [one["details"]["messages"] for one in await events(world)]
    assert 1 <= first <= 5
    assert sum(others) == 5
    left = {one.body for one in await world.dead()}  # RabbitMQ 4 puts what comes back from a dead consumer behind
    assert len(left) == 10
    assert left < {b"poison %d" % number for number in range(15)}
    await world.ends_well(undecodable=10)


async def test_a_dead_queue_from_before_it_had_a_bound_of_its_own_is_taken_as_it_is_and_kept_short(
    world: World,
) -> None:
    await world.rows(10)
    async with world.broker() as connection:
        channel = await connection.channel()
        await channel.declare_queue(world.topology.dead_queue, durable=True, arguments={"x-queue-type": "quorum"})
    await world.queue("--mode=all", "--batch-size=5")
    await buried(world, *(b"poison %d" % number for number in range(15)))

    worker = world.worker(**KEPT)
    await dropped(world, worker, 5)
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.ends_well(undecodable=10)


async def test_jobs_that_messages_have_made_up_are_counted_and_not_named(world: World) -> None:
    await world.rows(10)
    job = str(await world.queue("--mode=all", "--batch-size=5"))
    await world.finish()
    made_up = [UUID(int=number) for number in range(1, 40)]
    await buried(world, *(message(one) for one in made_up[:20]), message(UUID(job)), *map(message, made_up[20:]))
    worker = world.worker(**KEPT)
    await dropped(world, worker, 30)
    await world.drain(worker)

    told = await events(world)
    assert (sum(one["details"]["messages"] for one in told), of_jobs(told)) == (30, {job: 1})
    await world.purge(world.topology.dead_queue)
    await world.ends_well()


def message(job: UUID) -> bytes:
    return PartitionMessage(job, "counter", Mode.ALL, "000000001").encode()
