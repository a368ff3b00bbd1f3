"""Work by keys: whatever dies, each key is written once, and counted where it is written."""

import asyncio
import signal

import pytest

from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PATIENT, World

pytestmark = pytest.mark.long

KEYS = ("-P", "units=5", "-P", "first=2024-01", "-P", "last=2024-12", "--batch-size=4")
END_WORKERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'worker %'
"""


@pytest.fixture
def months(world: World) -> World:
    world.definition = "tests.support.pieces:Months"
    return world


async def each_is_written_once(world: World) -> None:
    assert await world.value("SELECT count(*) FROM months WHERE writes = 1") == 60
    assert await world.value("SELECT count(*) FROM months") == 60
    await world.ends_well()


@pytest.mark.parametrize(
    "place", ["worker.after_claim", "worker.after_fetch", "worker.before_commit", "worker.after_commit"]
)
async def test_what_a_killed_worker_had_in_hand_is_done_once_by_another(months: World, place: str) -> None:
    await months.queue(*KEYS)
    victim = months.worker(failpoint=f"{place}=kill@3")
    await months.until_killed(victim)
    assert await months.state() != "completed"
    await months.finish()
    await each_is_written_once(months)


async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(months: World) -> None:
    await months.queue(*KEYS)
    zombie = months.worker("--concurrency=1", failpoint="worker.after_fetch=stop@6")
    await months.until_stopped(zombie)
    await months.finish()
    zombie.kill(signal.SIGCONT)
    await eventually(lambda: "longer than a lease" in zombie.output)
    zombie.kill(signal.SIGTERM)
    assert await zombie.wait() == 0
    assert "Fenced: 1" in zombie.output
    await months.finish()
    await each_is_written_once(months)


@pytest.mark.parametrize(
    "place", ["producer.after_open", "producer.after_plan", "producer.after_publish", "producer.before_finish"]
)
async def test_a_producer_that_dies_is_resumed_behind_the_keys_that_it_has_planned(months: World, place: str) -> None:
    producer = months.producer(*KEYS, failpoint=f"{place}=kill")
    await months.until_killed(producer)
    again = months.producer("--resume=latest", BACKFILL_LEASE_SECONDS="2")
    await months.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity'")
    assert await again.wait() in (0, 4)
    if again.returncode == 4:  # it was faster than the end of the lease
        again = months.producer("--resume=latest")
        assert await again.wait() == 0, again.output
    await months.finish()
    await each_is_written_once(months)


async def test_ten_deliveries_of_each_message_write_each_key_once(months: World) -> None:
    await months.queue(*KEYS)
    for _ in range(9):
        await months.publish(*await months.messages())
    await months.finish()
    await each_is_written_once(months)


async def test_sessions_that_are_ended_again_and_again_only_cost_time(months: World) -> None:
    await months.queue(*KEYS)
    worker = months.worker("--concurrency=2")
    for done in (10, 25, 40):
        await eventually(lambda done=done: months.value(f"SELECT count(*) >= {done} FROM months"), interval=0.01)
        await months.execute(END_WORKERS)
    await months.until_ended()
    await months.drain(worker)
    await months.finish()
    await each_is_written_once(months)


@pytest.mark.parametrize("how", ["restart", "kill9"])
async def test_workers_wait_for_a_database_that_is_away_and_go_on(
    on_own_postgres: World, private_postgres: Postgres, how: str
) -> None:
    world = on_own_postgres
    world.definition = "tests.support.pieces:GatedMonths"
    await world.queue(*KEYS)
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", **PATIENT, **AT_LOCKS)
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        await asyncio.to_thread(getattr(private_postgres, how))
        session.terminate()
    await asyncio.to_thread(private_postgres.start)
    await world.reconnect()
    await world.until_ended(deadline=60)
    await world.drain(worker)
    await world.finish()
    await each_is_written_once(world)


async def test_workers_go_on_without_a_broker_and_with_it_again(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq
) -> None:
    world = on_own_rabbitmq
    world.definition = "tests.support.pieces:GatedMonths"
    await world.queue(*KEYS)
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", **PATIENT, **AT_LOCKS)
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        await asyncio.to_thread(private_rabbitmq.kill9)
    await eventually(lambda: world.value("SELECT count(*) >= 8 FROM months"))
    await asyncio.to_thread(private_rabbitmq.start)
    await world.until_ended(deadline=60)
    await world.drain(worker)
    await world.finish()
    await each_is_written_once(world)
