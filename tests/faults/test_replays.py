"""Messages of an hour ago, all of them again, whatever became of their job: a message only wakes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aio_pika.abc import AbstractConnection

from backfill import broker
from backfill.modes import Priority
from backfill.topology import declare
from tests.support.operating import done
from tests.support.waiting import eventually
from tests.support.world import LASTING, PATIENT, World

TABLES = {
    "things": "id, value, xmin::text",
    "backfill_jobs": "id, state, version, records_updated, records_failed, completed_partitions, failed_partitions",
    "backfill_partitions": "id, state, attempt_count, fence, records_updated, records_failed, completed_at",
    "backfill_failures": "backfill_job_id, record_id",
}


async def completed(world: World, _: str) -> None:
    assert await world.state() == "completed"


async def cancelled(world: World, _: str) -> None:
    job = str(await world.queue("--mode=all", "--batch-size=5"))
    await done(world, "cancel", job, "--reason=test")


async def deleted(world: World, job: str) -> None:
    await done(world, "delete", job, "--yes")


async def opened_anew(world: World, job: str) -> None:
    await done(world, "delete", job, "--yes")
    await world.execute("UPDATE things SET value = NULL")
    await world.queue("--mode=null", "--batch-size=5")
    await world.finish()


async def failed_and_retried(world: World, _: str) -> None:
    await world.execute("UPDATE things SET value = NULL; INSERT INTO outage VALUES ('away')")
    job = str(await world.queue("--mode=null", "--batch-size=5"))
    await world.finish(BACKFILL_RETRY_DELAYS="0.05")
    assert await world.value("SELECT count(*) FROM backfill_failures WHERE backfill_job_id = $1", job) == 20
    await world.execute("DELETE FROM outage")
    await done(world, "retry", job)
    await world.finish()
    await world.purge(world.topology.dead_queue)


@pytest.mark.parametrize("fate", [completed, cancelled, deleted, opened_anew, failed_and_retried])
async def test_old_messages_change_nothing_and_are_counted_nowhere(
    world: World, fate: Callable[[World, str], Awaitable[None]]
) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    job = str(await world.queue("--mode=all", "--batch-size=5"))
    recorded = await world.messages()
    await world.finish()
    await fate(world, job)
    if fate is not deleted:
        recorded += await world.messages()
    before = await picture(world)

    for priority in Priority:
        await world.publish(*recorded * 3, priority=priority)
    await world.finish()

    assert await picture(world) == before
    assert await world.dead() == []
    world.checked = True  # whose job is deleted, its values are nobody's


async def picture(world: World) -> dict[str, list[Any]]:
    """What is in the tables, but for when somebody last looked."""
    return {
        table: [tuple(row) for row in await world.fetch(f"SELECT {columns} FROM {table} ORDER BY 1, 2")]
        for table, columns in TABLES.items()
    }


async def test_a_binding_that_doubles_every_message_costs_claims_that_give_nothing(world: World) -> None:
    await world.rows(40)
    async with world.broker() as connection:
        await bound(connection, world, world.topology.queue(Priority.HIGH), "work", "normal.*")
    await world.queue("--mode=all", "--batch-size=4")
    assert sum((await world.depths()).values()) == 20
    worker = await world.finish()
    assert "Traceback" not in worker.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 40
    await world.ends_well()


async def test_a_binding_that_leads_dead_messages_back_to_work_does_not_go_round_for_ever(world: World) -> None:
    await world.rows(10)
    async with world.broker() as connection:
        await bound(connection, world, world.topology.queue(Priority.NORMAL), "dead", "")
    await world.queue("--mode=all", "--batch-size=5")
    await world.publish(b"poison", b"more poison")
    worker = world.worker(**PATIENT, **LASTING)
    round_again = "Messages of backfill_counter_dead come into a work queue of counter"
    buried = "To the dead queue"
    await eventually(lambda: worker.output.count(buried) == 2 and round_again in worker.output)
    await world.until_ended()
    await world.drain(worker)
    assert worker.output.count(buried) == 2
    assert worker.output.count(round_again) == 1
    await world.finish()
    assert {one.body for one in await world.dead()} == {b"poison", b"more poison"}
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.ends_well(undecodable=2)


async def bound(connection: AbstractConnection, world: World, queue: str, purpose: str, key: str) -> None:
    """What a login that may configure and bind does to a backfill whose queues are there."""
    await declare(connection, world.topology, (0.2,))
    channel = await connection.channel()
    await (await channel.get_queue(queue, ensure=False)).bind(world.topology.exchange(purpose), key)


@pytest.mark.parametrize("kind", ["exchange", "classic", "short-lived", "expiring"])
async def test_what_somebody_declared_before_us_otherwise_is_refused_by_name(world: World, kind: str) -> None:
    queue, exchange = world.topology.queue(Priority.NORMAL), world.topology.exchange("work")
    arguments = {
        "classic": {},
        "short-lived": {"x-queue-type": "quorum", "x-message-ttl": 1},
        "expiring": {"x-queue-type": "quorum", "x-expires": 60_000},
    }
    async with world.broker() as connection:
        channel = await connection.channel()
        if kind == "exchange":
            await channel.declare_exchange(exchange, "fanout", durable=True)
        else:
            await channel.declare_queue(queue, durable=True, arguments=arguments[kind])
        assert await broker.depth(connection, "nothing") is None
    worker = world.worker()
    assert await worker.wait() == 2, worker.output
    what = f"exchange {exchange}" if kind == "exchange" else f"queue {queue}"
    assert f"{what} stands in RabbitMQ with other arguments" in worker.output
    assert "Traceback" not in worker.output
    world.checked = True  # nothing was queued
