"""RabbitMQ takes no messages: an alarm for memory or disk, or a queue that a policy keeps short."""

import asyncio
import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from backfill.broker import NotTakenError
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from backfill.services.rabbitmq import Rabbitmq
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

BLOCKED = "RabbitMQ takes no messages: an alarm for memory or disk blocks whoever publishes"
ALARMS = {
    "memory": (("set_vm_memory_high_watermark", "absolute", "1MB"), ("set_vm_memory_high_watermark", "0.4")),
    "disk": (("set_disk_free_limit", "100000GB"), ("set_disk_free_limit", "1MB")),
}


@asynccontextmanager
async def raised(rabbitmq: Rabbitmq, name: str) -> AsyncIterator[None]:
    """The alarm, for the length of the block."""
    begin, end = ALARMS[name]
    await asyncio.to_thread(rabbitmq.ctl, *begin)
    try:
        yield
    finally:
        await asyncio.to_thread(rabbitmq.ctl, *end)


async def test_under_an_alarm_the_producer_says_so_at_once_and_goes_on_when_it_is_over(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    await world.rows(200)
    async with raised(private_rabbitmq, "memory"):
        producer = world.producer("--mode=all", "--batch-size=2")
        await eventually(lambda: BLOCKED in producer.output)
    assert await producer.wait(60) == 0, producer.output
    assert producer.output.count(BLOCKED) == 1
    assert "RabbitMQ takes messages again." in producer.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 200
    await world.ends_well()


@pytest.mark.parametrize("name", ALARMS)
async def test_under_an_alarm_publishing_is_refused_at_once_and_nothing_piles_up(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq, name: str
) -> None:
    world = on_own_rabbitmq
    world.checked = True  # nothing is queued
    said: list[str] = []
    message = PartitionMessage(job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=(0.2,), say=said.append)
    await publisher.prepare("counter")
    async with raised(private_rabbitmq, name):
        first = asyncio.create_task(publisher.publish(message, Priority.NORMAL))
        await eventually(lambda: publisher.is_blocked)
        for _ in range(5):
            with pytest.raises(NotTakenError, match="an alarm for memory or disk"):
                # Less than the ten seconds for which a call is waited for.
                await asyncio.wait_for(publisher.publish(message, Priority.NORMAL), 8)
    await eventually(lambda: not publisher.is_blocked)
    await asyncio.gather(first, return_exceptions=True)  # in time or not: it is there
    await publisher.publish(message, Priority.NORMAL)
    await publisher.close()
    assert (await world.depths())[world.topology.queue(Priority.NORMAL)] == 2
    assert [line.partition(":")[0] for line in said] == ["RabbitMQ takes no messages", "RabbitMQ takes messages again."]


async def test_under_an_alarm_workers_name_it_and_tell_it_to_prometheus(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=10")
    await world.purge(world.topology.queue(Priority.NORMAL))
    async with raised(private_rabbitmq, "memory"):
        worker = world.worker("--metrics-port=0")
        await eventually(lambda: BLOCKED in worker.output)
        url = re.search(r"Metrics: (\S+)", worker.output)
        assert url
        assert "backfill_broker_blocked 1.0" in await fetched(url[1])
        await eventually(lambda: "Cannot publish lost messages again: an alarm" in worker.output)
    await world.until_ended()
    assert "backfill_broker_blocked 0.0" in await fetched(url[1])
    await world.drain(worker)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def fetched(url: str) -> str:
    def fetch() -> str:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)
