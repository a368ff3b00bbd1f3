"""Whoever may publish sends as much, and as large, as RabbitMQ takes: workers stay small, and the good work is done."""

import random
import time
from collections.abc import Iterator

import pytest

from backfill import broker
from tests.support import flood
from tests.support.commands import Command
from tests.support.flood import MEBIBYTE, Wild
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

ALLOWED = 64 * MEBIBYTE
LARGE = b" " * 1_000_000  # RabbitMQ takes no larger ones here


async def listening(world: World, *arguments: str, **settings: str) -> Command:
    worker = world.worker(*arguments, **settings)
    await eventually(lambda: "Prefetch" in worker.output)
    return worker


async def done(world: World, count: int) -> bool:
    value = await world.value("SELECT count(*) FROM things WHERE value = 1")
    assert value == count, value
    return True


async def dead_are(world: World, count: int) -> bool:
    async with world.broker() as connection:
        assert (found := await broker.depth(connection, world.topology.dead_queue)) == count, found
    return True


async def test_large_bodies_do_not_add_up_in_a_worker_however_many_it_may_hold(world: World) -> None:
    world.definition = "Gated"
    await world.rows(20)
    work = world.topology.exchange("work")
    async with world.session() as gate:
        await gate.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker(
            "--concurrency=1", "--prefetch=200", BACKFILL_HEARTBEAT="60", BACKFILL_LOCK_TIMEOUT_MS="60000"
        )
        await eventually(lambda: "Prefetch" in worker.output)
        await world.queue("--mode=all", "--batch-size=10")
        await eventually(lambda: world.value("SELECT count(*) > 0 FROM backfill_partitions WHERE state = 'running'"))
        async with flood.measured(worker.pid) as more:
            await flood.publish(world.amqp, work, [Wild(LARGE)] * 150)  # behind the one that the worker has in hand
            await eventually(world.queues_are_empty, deadline=60)
            await gate.execute("SELECT pg_advisory_unlock(77)")
            await eventually(lambda: dead_are(world, 150), deadline=60)
    await world.until_ended()
    await eventually(lambda: done(world, 20))
    assert max(more) < ALLOWED, f"{max(more) / MEBIBYTE:.0f} MiB more"
    await world.drain(worker)
    assert {len(one.body) for one in await world.dead()} == {16_384}
    await world.ends_well(undecodable=150)


@pytest.mark.timeout(400)
async def test_ten_thousand_fuzzed_messages_change_nothing_and_keep_nobody_from_work(world: World) -> None:
    await world.rows(200)
    await world.queue("--mode=all", "--limit=100", "--batch-size=10")
    worker = await listening(world, "--concurrency=16", BACKFILL_HEARTBEAT="60")
    await world.until_ended()
    before = await world.value(
        "SELECT array_agg((id, value, xmin::text)::text ORDER BY id) FROM things WHERE id <= 100"
    )
    job = await world.value("SELECT (j.*)::text FROM backfill_jobs j")
    partitions = await world.value("SELECT array_agg((p.*)::text ORDER BY partition_key) FROM backfill_partitions p")
    dice, real = random.Random(10_000), await world.messages()

    def wild(count: int) -> Iterator[Wild]:
        for body in flood.wild_bodies(dice, real, count):
            yield Wild(
                body, flood.wild_properties(dice), dice.choice([b"normal.0", b"high.0", b"low.x", b"normal.\xff"])
            )

    began = time.monotonic()
    async with flood.measured(worker.pid) as more:
        await flood.publish(world.amqp, world.topology.exchange("work"), wild(5_000))
        await world.queue("--mode=null", "--batch-size=5")
        await flood.publish(world.amqp, world.topology.exchange("work"), wild(5_000))
        await eventually(lambda: done(world, 200), deadline=120)
        await eventually(world.queues_are_empty, deadline=120)
    print(f"{time.monotonic() - began:.1f} s, {max(more) / MEBIBYTE:.1f} MiB")
    await world.until_ended()
    await world.drain(worker)

    assert max(more) < ALLOWED, f"{max(more) / MEBIBYTE:.0f} MiB more"
    assert "Traceback" not in worker.output
    assert "Lost RabbitMQ" not in worker.output
    after = await world.value("SELECT array_agg((id, value, xmin::text)::text ORDER BY id) FROM things WHERE id <= 100")
    assert after == before
    assert job == await world.value("SELECT (j.*)::text FROM backfill_jobs j ORDER BY created_at LIMIT 1")
    assert partitions == await world.value(
        "SELECT array_agg((p.*)::text ORDER BY partition_key) FROM backfill_partitions p WHERE backfill_job_id = "
        "(SELECT id FROM backfill_jobs ORDER BY created_at LIMIT 1)"
    )
    await world.purge(world.topology.dead_queue)
    await world.ends_well()
