"""Publishing and the queues: persistent, mandatory, confirmed, delayed in steps, declared as often as wanted."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from backfill import broker
from backfill.broker import BrokerLostError
from backfill.errors import UsageError
from backfill.message import PartitionMessage, decode
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from backfill.topology import DEAD_BYTES, DEAD_LENGTH, DELIVERY_LIMIT, Topology, declare, milliseconds
from tests.support.waiting import eventually
from tests.support.world import World

Message = aio_pika.abc.AbstractIncomingMessage
DELAYS = (0.1, 0.4, 0.8, 600)
TOPOLOGY = Topology("counter")


@pytest.fixture
async def publisher(vhost: str) -> Any:
    made = Publisher(vhost, name="test", heartbeat=10, retry_delays=DELAYS)
    yield made
    await made.close()


def message(*ids: str) -> PartitionMessage:
    return PartitionMessage(
        job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=ids or ("1",)
    )


async def received(
    vhost: str, queue: str, count: int = 1, *, see: Callable[[Message], None] = lambda _: None
) -> list[Message]:
    """Messages of a queue, as they become ready."""
    found: list[Message] = []
    async with broker.connected(vhost, name="test", heartbeat=10) as connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        while len(found) < count:
            one = await eventually(lambda: source.get(fail=False, timeout=10), interval=0.01)
            see(one)
            await one.ack()
            found.append(one)
    return found


async def test_a_message_is_persistent_json_and_has_an_id_of_its_own(vhost: str, publisher: Publisher) -> None:
    sent = message("1", "2")
    for _ in range(2):
        await publisher.publish(sent, Priority.NORMAL)
    first, second = await received(vhost, TOPOLOGY.queue(Priority.NORMAL), 2)
    assert decode(first.body) == decode(second.body) == sent
    assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert first.content_type == "application/json"
    assert first.message_id != second.message_id
    assert first.correlation_id == second.correlation_id == f"{sent.job_id}:000000001"
    assert set(first.headers) <= {"x-delivery-count"}  # the broker's own


@pytest.mark.parametrize("priority", Priority)
async def test_delays_return_messages_none_too_early_none_behind_a_longer_one_and_keep_the_class(
    world: World, vhost: str, publisher: Publisher, priority: Priority
) -> None:
    began: dict[str, float] = {}
    waited: dict[str, float] = {}

    def see(one: Message) -> None:
        (record,) = json.loads(one.body)["ids"]
        waited[record] = time.monotonic() - began[record]

    *short, long = DELAYS
    for delay in (long, *reversed(short)):
        began[str(delay)] = time.monotonic()
        await publisher.publish(message(str(delay)), priority, delay_ms=milliseconds(delay), purpose="retry")
    await received(vhost, TOPOLOGY.queue(priority), len(short), see=see)
    assert set(waited) == {str(delay) for delay in short}
    assert all(waited[str(delay)] >= delay - 0.01 for delay in short), waited
    async with world.broker() as connection:
        assert await broker.depth(connection, TOPOLOGY.delay_queue(milliseconds(long))) == 1


async def test_a_message_that_no_queue_takes_is_an_error_and_the_queue_is_declared_for_the_next(
    world: World, publisher: Publisher
) -> None:
    await publisher.publish(message(), Priority.NORMAL)
    await world.delete_queue(TOPOLOGY.queue(Priority.NORMAL))
    with pytest.raises(BrokerLostError):
        await publisher.publish(message(), Priority.NORMAL)
    await publisher.publish(message("9"), Priority.NORMAL)
    (one,) = await received(world.amqp, TOPOLOGY.queue(Priority.NORMAL))
    assert json.loads(one.body)["ids"] == ["9"]


async def test_many_at_once_are_all_confirmed(world: World, publisher: Publisher) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(300):
            group.create_task(publisher.publish(message(str(number)), Priority.NORMAL))
    assert (await world.depths())[TOPOLOGY.queue(Priority.NORMAL)] == 300


async def test_ids_that_do_not_fit_are_told_by_the_first_the_last_and_their_number(
    vhost: str, publisher: Publisher
) -> None:
    sent = message(*(f"{number:0200}" for number in range(50_000)))
    await publisher.publish(sent, Priority.NORMAL)
    (one,) = await received(vhost, TOPOLOGY.queue(Priority.NORMAL))
    assert decode(one.body) == sent
    shown = json.loads(one.body)
    assert (shown["first"], shown["last"], shown["count"]) == (f"{0:0200}", f"{49_999:0200}", 50_000)
    assert "ids" not in shown


async def test_what_is_buried_keeps_its_body_and_its_reason(vhost: str, publisher: Publisher) -> None:
    await publisher.bury("counter", b"\xff not ours", "invalid " + "x" * 1_000)
    (one,) = await received(vhost, TOPOLOGY.dead_queue)
    assert one.body == b"\xff not ours"
    assert str(one.headers["reason"]).startswith("invalid xx")
    assert len(str(one.headers["reason"])) <= 500


async def test_the_topology_may_be_declared_again_and_again_and_by_many_at_once(vhost: str) -> None:
    async def once() -> None:
        async with broker.connected(vhost, name="test", heartbeat=10) as connection:
            await declare(connection, TOPOLOGY, DELAYS)

    await once()
    await asyncio.gather(*(once() for _ in range(4)))


async def test_every_queue_is_a_durable_quorum_queue_that_loses_nothing_on_its_way(
    vhost: str, publisher: Publisher, services: Any
) -> None:
    from urllib.parse import urlsplit

    from tests.support.broker import call

    await publisher.prepare("counter")
    found = call(services.management_url, "GET", f"/queues/{urlsplit(vhost).path.strip('/')}")
    arguments = {queue["name"]: queue["arguments"] for queue in found}
    assert set(arguments) == {
        *map(TOPOLOGY.queue, Priority),
        TOPOLOGY.dead_queue,
        *(TOPOLOGY.delay_queue(milliseconds(delay)) for delay in DELAYS),
    }
    assert all(queue["durable"] and not queue["auto_delete"] for queue in found)
    for name, given in arguments.items():
        assert given["x-queue-type"] == "quorum"
        assert not {"x-max-priority", "x-expires"} & set(given)
        if name == TOPOLOGY.dead_queue:
            assert given["x-overflow"] == "drop-head"
            assert (given["x-max-length"], given["x-max-length-bytes"]) == (DEAD_LENGTH, DEAD_BYTES)
        else:
            assert not {"x-max-length", "x-max-length-bytes"} & set(given)
            assert given["x-dead-letter-strategy"] == "at-least-once"
            assert given["x-overflow"] == "reject-publish"
        if "delay" in name:
            assert f"_{given['x-message-ttl']}ms" in name
            assert "x-dead-letter-routing-key" not in given
    assert arguments[TOPOLOGY.queue(Priority.NORMAL)]["x-delivery-limit"] == DELIVERY_LIMIT


async def test_a_body_that_is_delivered_too_often_goes_to_the_dead_queue(vhost: str, publisher: Publisher) -> None:
    await publisher.publish(message(), Priority.NORMAL)
    async with broker.connected(vhost, name="test", heartbeat=10) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(TOPOLOGY.queue(Priority.NORMAL), ensure=False)
        for _ in range(DELIVERY_LIMIT + 1):
            one = await eventually(lambda: queue.get(fail=False, timeout=10), interval=0.01)
            await one.nack(requeue=True)
    (dead,) = await received(vhost, TOPOLOGY.dead_queue)
    assert dead.headers["x-first-death-reason"] == "delivery_limit"


async def test_depth_counts_what_is_ready_and_knows_a_queue_that_is_not_there(vhost: str, publisher: Publisher) -> None:
    await publisher.publish(message(), Priority.NORMAL)
    async with broker.connected(vhost, name="test", heartbeat=10) as connection:
        assert await broker.depth(connection, TOPOLOGY.queue(Priority.NORMAL)) == 1
        assert await broker.depth(connection, "no_such_queue") is None
        assert await broker.depth(connection, TOPOLOGY.queue(Priority.HIGH)) == 0


async def test_a_queue_that_stands_with_other_arguments_is_a_sentence(vhost: str, publisher: Publisher) -> None:
    async with broker.connected(vhost, name="test", heartbeat=10) as connection:
        channel = await connection.channel()
        await channel.declare_queue(TOPOLOGY.dead_queue, durable=True)
    with pytest.raises(UsageError, match=f"queue {TOPOLOGY.dead_queue} stands in RabbitMQ with other arguments"):
        await publisher.prepare("counter")
