"""RabbitMQ goes away, comes back, is blocked by an alarm, or falls silent."""

import asyncio
import signal
from uuid import uuid4

import pytest

from backfill import settings
from backfill.broker import BrokerLostError, inspect
from backfill.errors import UnreachableError
from backfill.ledger.jobs import Request
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher
from backfill.services.rabbitmq import Rabbitmq
from tests.support import broker
from tests.support.definitions import Counter
from tests.support.proxy import proxied
from tests.support.queueing import in_process
from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PATIENT, World

pytestmark = pytest.mark.long


@pytest.mark.parametrize("how", ["restart", "kill9"])
async def test_workers_wait_for_a_broker_that_is_away_and_go_on(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq, how: str
) -> None:
    world = on_own_rabbitmq
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=5")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", **AT_LOCKS, **PATIENT)
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        await asyncio.to_thread(getattr(private_rabbitmq, how))
    # What is in hand needs no broker.
    await eventually(lambda: world.value("SELECT count(*) >= 10 FROM things WHERE value = 1"))
    await asyncio.to_thread(private_rabbitmq.start)
    await world.until_ended(deadline=60)
    await world.drain(worker)

    assert "Lost RabbitMQ" in worker.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.finish()
    await world.ends_well()


async def test_retries_that_cannot_be_published_come_back_with_the_broker(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker(failpoint="worker.before_retry=stop", BACKFILL_RETRY_DELAYS="1,1,1,1,1")
    await world.until_stopped(worker)
    await asyncio.to_thread(private_rabbitmq.kill9)
    worker.kill(signal.SIGCONT)
    await eventually(lambda: "Could not publish the retry" in worker.output)
    await world.execute("DELETE FROM outage")
    await asyncio.to_thread(private_rabbitmq.start)
    await world.until_ended(deadline=60)
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    world.env["BACKFILL_RETRY_DELAYS"] = "1,1,1,1,1"
    await world.finish()
    await world.ends_well()


async def test_a_producer_waits_for_a_broker_that_restarts_and_queues_every_record(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    await world.rows(200)
    producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop@2")
    await world.until_stopped(producer)
    await asyncio.to_thread(private_rabbitmq.kill9)
    producer.kill(signal.SIGCONT)
    await asyncio.to_thread(private_rabbitmq.start)

    assert await producer.wait(120) == 0, producer.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 200
    await world.ends_well()


async def test_under_a_memory_alarm_consuming_and_acking_go_on_and_nothing_hangs(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=10")
    await asyncio.to_thread(private_rabbitmq.ctl, "set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        worker = world.worker("--burst")
        assert await worker.wait() == 0, worker.output
        assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
        assert await world.state() == "completed"
    finally:
        await asyncio.to_thread(private_rabbitmq.ctl, "set_vm_memory_high_watermark", "0.4")
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize("how", ["reset", "freeze"])
async def test_a_worker_whose_link_breaks_or_falls_silent_connects_again_and_loses_nothing(
    world: World, how: str
) -> None:
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=5")
    async with proxied(world.amqp) as (url, proxy):
        async with world.session() as session:
            await session.execute("SELECT pg_advisory_lock(77)")
            worker = world.worker("--concurrency=2", RABBITMQ_URL=url, BACKFILL_HEARTBEAT="1", **AT_LOCKS)
            await eventually(
                lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'")
            )
            getattr(proxy, how)()
        await eventually(lambda: "Lost RabbitMQ" in worker.output)
        proxy.thaw()
        await world.until_ended(deadline=60)
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_publishing_on_a_silent_link_is_an_ordinary_error_in_bounded_time(world: World) -> None:
    world.checked = True  # nothing is queued
    message = PartitionMessage(job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    async with proxied(world.amqp) as (url, proxy):
        publisher = Publisher(url, name="test", heartbeat=1, retry_delays=(0.2,))
        await publisher.publish(message, Priority.NORMAL)
        proxy.freeze()
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises((BrokerLostError, UnreachableError)):
            await publisher.publish(message, Priority.NORMAL)
        assert loop.time() - began < 60
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        proxy.thaw()
        proxy.reset()
        await publisher.publish(message, Priority.NORMAL)
        await publisher.close()
    assert (await world.depths())[world.topology.queue(Priority.NORMAL)] >= 2


async def test_cancelling_a_publish_is_a_cancellation_not_a_lost_broker(world: World) -> None:
    world.checked = True  # nothing is queued
    message = PartitionMessage(job_id=uuid4(), backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    async with proxied(world.amqp) as (url, proxy):
        publisher = Publisher(url, name="test", heartbeat=5, retry_delays=(0.2,))
        await publisher.publish(message, Priority.NORMAL)
        proxy.freeze()
        task = asyncio.create_task(publisher.publish(message, Priority.NORMAL))
        for _ in range(2):  # steps, no time: it has begun, and the frozen link keeps it from ending
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        proxy.thaw()
        proxy.reset()
        await publisher.close()


async def test_a_producer_whose_broker_stays_away_says_how_to_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.rows(60)
    async with proxied(world.amqp) as (url, proxy):
        for name, value in (world.env | {"RABBITMQ_URL": url}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("backfill.producers.producer.PUBLISH_SECONDS", 1.0)
        monkeypatch.setattr("backfill.producers.opening.failpoint", lambda name: proxy.shut())
        request = Request(Mode.ALL, Priority.NORMAL, "asc", 10, None, (), None, None)

        with pytest.raises(UnreachableError, match="what is planned is safe: go on with backfill-queue --resume"):
            await in_process(settings.read(), Counter(), request)

    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.ends_well()


async def test_a_link_that_breaks_under_the_reconciler_does_not_end_the_worker(world: World) -> None:
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=10")
    await world.purge(world.topology.queue(Priority.NORMAL))
    async with proxied(world.amqp) as (url, proxy):
        worker = world.worker(failpoint="reconciler.before_publish=stop", RABBITMQ_URL=url)
        await world.until_stopped(worker)
        proxy.shut()
        worker.kill(signal.SIGCONT)
        await eventually(lambda: "Lost RabbitMQ" in worker.output)
        proxy.thaw()
        await world.until_ended(deadline=60)
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_a_worker_that_a_queue_made_anew_passes_over_connects_again(world: World) -> None:
    """RabbitMQ 3.10 tells nobody that a quorum queue was deleted when it is declared again in the same moment."""
    await world.rows(40)
    workers = [world.worker() for _ in range(2)]
    queue = world.topology.queue(Priority.NORMAL)
    async with world.broker() as connection:

        async def are_consuming() -> bool:
            state = await inspect(connection, queue)
            return state is not None and state.consumers == len(workers)

        await eventually(are_consuming)
        deleting, declaring = await connection.channel(), await connection.channel()
        path = f"/queues/{world.amqp.rpartition('/')[2]}/{queue}"
        arguments = broker.call(world.env["RABBITMQ_MANAGEMENT_URL"], "GET", path)["arguments"]
        gone = asyncio.ensure_future(deleting.queue_delete(queue, if_unused=False, if_empty=False))
        while not gone.done():
            await declaring.declare_queue(queue, durable=True, arguments=arguments)
        await gone
    # RabbitMQ 4 sometimes leaves a queue without a leader; whoever needs it makes it anew after 15 s of silence.
    producer = world.producer("--mode=all", "--batch-size=5")
    assert await producer.wait(90) == 0, producer.output

    await world.until_ended(60)
    for worker in workers:
        await world.drain(worker)
    # What was published twice may have been kept for a consumer that nobody has told of its end.
    await world.finish()
    await world.ends_well()
