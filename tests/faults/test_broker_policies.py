"""Policies of somebody else's over our queues: they may keep them short, and let messages expire."""

import re
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from backfill import settings
from backfill.broker import depth
from backfill.errors import UnreachableError
from backfill.ledger.jobs import Request
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from backfill.workers.troubles import Troubles
from backfill.workers.upkeep.expired import Expired
from backfill.workers.upkeep.republisher import Republisher
from tests.support import broker
from tests.support.commands import Command
from tests.support.definitions import Gated
from tests.support.queueing import in_process
from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PERSEVERING, World

pytestmark = pytest.mark.long


async def test_a_producer_waits_while_workers_make_room_in_a_queue_that_is_kept_short(world: World) -> None:
    await world.rows(60)
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_queue$", max_length=5):
        producer = world.producer("--mode=all", "--batch-size=2")
        await eventually(lambda: world.value("SELECT count(*) > 5 FROM backfill_partitions"))
        worker = world.worker()
        assert await producer.wait(90) == 0, producer.output
        await world.until_ended()
        await world.drain(worker)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_a_queue_that_stays_full_is_named_by_the_producer_and_by_the_reconciler(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.definition = "Gated"
    await world.rows(60)
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("backfill.producers.producer.PUBLISH_SECONDS", 0.5)
    request = Request(Mode.ALL, Priority.NORMAL, "asc", 2, None, (), None, None)
    full = f"queue {world.topology.queue(Priority.NORMAL)} takes no messages: .* the max-length of a policy is reached"
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_queue$", max_length=5):
        with pytest.raises(UnreachableError, match=f"RabbitMQ: {full}.*go on with backfill-queue --resume"):
            await in_process(settings.read(), Gated(), request)
        await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
        # By itself: a worker that takes a message makes room, and the broker then lets more than that in.
        publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2,))
        said: list[str] = []
        republisher = Republisher(publisher, 0.0, Counter(), Troubles(said.append))
        await republisher.publish_lost(world.connection, "gated", Priority.NORMAL, ready=None)
        await publisher.close()
        (line,) = said
        assert re.search(f"Cannot publish lost messages again: {full}", line)
    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.ends_well()


async def test_messages_that_a_policy_lets_expire_are_named_and_do_not_pile_up_as_dead_ones(world: World) -> None:
    world.definition = "Gated"
    await world.rows(60)
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_queue$", message_ttl=50):
        await world.queue("--mode=all", "--batch-size=10")
        async with gate(world):
            worker = world.worker("--concurrency=1", "--prefetch=1", "--metrics-port=0", **AT_LOCKS)
            await eventually(lambda: expired(worker) > 12, deadline=60)
            assert await dead(world) <= 12
        await world.until_ended(60)
    await eventually(lambda: dead_are(world, 0))
    await world.drain(worker)
    assert worker.output.count("Messages of gated expire before a worker has them") == 1
    assert "To the dead queue" not in worker.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_dead_messages_stay_where_they_are_when_expired_ones_are_taken_from_among_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.rows(10)
    topology, bodies = world.topology, [b"first", b"second"]
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2,))
    message = PartitionMessage(job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_queue$", message_ttl=50):
        for number, body in enumerate(bodies, start=1):
            await publisher.bury("counter", body, "no message")
            await publisher.publish(message, Priority.NORMAL)
            await eventually(lambda number=number: dead_are(world, 2 * number))
    await publisher.close()
    taken = Expired()
    async with world.broker() as connection:

        async def all_are_out() -> bool:
            """In one round, unless this process stands still while they come."""
            await taken.clear(connection, topology)
            return taken.count == 2

        with monkeypatch.context() as still:
            still.setattr("backfill.workers.upkeep.expired.QUIET_SECONDS", 0.0)
            assert await taken.clear(connection, topology) == 0
        await eventually(all_are_out)
        assert await taken.clear(connection, topology) == 0
    assert [one.body for one in await world.dead()] == bodies
    await world.ends_well(undecodable=2)


async def test_queues_that_a_policy_deletes_while_nobody_uses_them_cost_a_retry_nothing_but_time(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_(delay_.*|dead)$", expires=50):
        await world.queue("--mode=all", "--batch-size=10")
        worker = world.worker(**PERSEVERING)
        await eventually(lambda: world.value("SELECT min(attempt_count) > 1 FROM backfill_partitions"))
        await world.publish(b"poison")
        await world.execute("DELETE FROM outage")
        await world.until_ended()
        await eventually(lambda: "To the dead queue" in worker.output)
        await world.drain(worker)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    assert "Traceback" not in worker.output
    await world.finish()
    await world.ends_well(undecodable=await dead(world))  # unless it was deleted once more


async def test_a_policy_bounds_the_bytes_of_a_dead_queue_that_stood_before_it_had_a_bound(world: World) -> None:
    """The one of docs/deploying.md."""
    async with world.broker() as connection:
        channel = await connection.channel()
        await channel.declare_queue(world.topology.dead_queue, durable=True, arguments={"x-queue-type": "quorum"})
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2,))
    with broker.policy(world.amqp, world.env["RABBITMQ_MANAGEMENT_URL"], "_dead$", max_length_bytes=100_000):
        for number in range(30):
            await publisher.bury("counter", b"%02d" % number * 5_000, "no message")
        await eventually(lambda: dead_are(world, 10))
    await publisher.close()
    await world.ends_well(undecodable=10)


@asynccontextmanager
async def gate(world: World) -> AsyncIterator[None]:
    """Closed for the length of the block: what workers have in hand stays there."""
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        yield


async def dead(world: World) -> int:
    async with world.broker() as connection:
        return await depth(connection, world.topology.dead_queue) or 0


async def dead_are(world: World, count: int) -> bool:
    return await dead(world) == count


def expired(worker: Command) -> float:
    """Messages that the worker has taken out of the dead queue, as it tells Prometheus."""
    where = re.search(r"Metrics: (\S+)", worker.output)
    if where is None:
        return 0
    with urllib.request.urlopen(where[1], timeout=30) as answer:  # noqa: S310 - our own server
        found = re.search(r"^backfill_expired_total (\S+)", answer.read().decode(), re.M)
    return float(found[1]) if found else 0
