"""RabbitMQ is killed in the moment in which it makes a quorum queue, which then never has a leader again."""

import asyncio
import os
import signal
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from backfill.broker import BrokerLostError
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from backfill.services.rabbitmq import Rabbitmq
from backfill.topology import declare
from tests.support import broker
from tests.support.operating import queued, until, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

DELAYS = (0.2,)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backfill.calls.CALL_SECONDS", 5.0)
    monkeypatch.setattr("backfill.stalled.STALLED_SECONDS", 4.0)


async def killed_while_it_makes(world: World, server: Rabbitmq, queue: str) -> None:
    """All queues are there, this one was made just now."""
    async with world.broker() as connection:
        await declare(connection, world.topology, DELAYS)
        channel = await connection.channel()
        await broker.queues_recorded()
        path = f"/queues/{urlsplit(world.amqp).path.strip('/')}/{queue}"
        arguments = broker.call(server.management_url, "GET", path)["arguments"]
        pid = server.pid
        assert pid
        await channel.queue_delete(queue, if_unused=False, if_empty=False)
        await channel.declare_queue(queue, durable=True, arguments=arguments)
        os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(server.start)


async def test_a_delay_queue_is_made_anew_by_whoever_publishes(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    world.checked = True  # nothing is queued
    queue = world.topology.delay_queue(200)
    await killed_while_it_makes(world, private_rabbitmq, queue)
    said: list[str] = []
    message = PartitionMessage(job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    publisher = Publisher(world.amqp, name="test", heartbeat=10, retry_delays=DELAYS, say=said.append)

    async def published() -> bool:
        try:
            await publisher.publish(message, Priority.NORMAL, delay_ms=200, purpose="retry")
        except BrokerLostError as error:
            raise AssertionError(str(error)) from error
        return True

    with pytest.raises(AssertionError, match=r"no answer in time|takes no messages"):
        await published()
    await eventually(published, deadline=60)
    await publisher.close()
    assert said == [f"Queue {queue} had no leader; it is made anew, and what was in it is sent again."]


async def test_a_work_queue_is_made_anew_by_a_worker(on_own_rabbitmq: World, private_rabbitmq: Rabbitmq) -> None:
    world = on_own_rabbitmq
    await world.rows(10)
    queue = world.topology.queue(Priority.HIGH)
    await killed_while_it_makes(world, private_rabbitmq, queue)
    said: list[str] = []
    async with working(world, say=said.append):
        await eventually(
            lambda: any(f"Queue {queue} had no leader" in line for line in said), deadline=60, what=str(said)
        )
        job = await queued(world)
        await until(world, "completed", job)
    await world.finish()
    await world.ends_well()
