"""The examples meet what the core is tried with: rows as after one clean run, and no call that nothing explains."""

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.support.examples import Embeddings, Example, Generation, Prices, Served, numbers, served
from tests.support.waiting import eventually
from tests.support.world import PATIENT, PERSEVERING, World

pytestmark = pytest.mark.long

SLOTS = 2  # of a worker: calls that can be lost when it ends
END_WORKERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'worker %'
"""
DONE = "SELECT coalesce(sum(records_updated + records_skipped), 0) FROM backfill_partitions"


@pytest.fixture(params=[Prices, Generation, Embeddings], ids=["prices", "generation", "embeddings"])
async def example(world: World, request: pytest.FixtureRequest) -> Example:
    made: Example = request.param()
    world.definition = made.app
    await made.prepare(world)
    return made


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


async def is_done_once(world: World, example: Example, service: Served, *, more_calls: int = 0) -> None:
    """Rows are right, the ledger agrees, and at most so many calls were in vain."""
    await example.is_right(world)
    if example.asks:
        assert example.keys <= service.counts.calls <= example.keys + more_calls
    await world.ends_well()


async def test_workers_that_are_killed_wherever_they_are(world: World, example: Example, service: Served) -> None:
    await world.queue(*example.arguments(service.url))
    for place in example.places:
        victim = world.worker(f"--concurrency={SLOTS}", failpoint=f"{place}=kill@2")
        await world.until_killed(victim)
        assert await world.state() != "completed"
    await world.finish()
    await is_done_once(world, example, service, more_calls=len(example.places) * SLOTS)


async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(
    world: World, example: Example, service: Served
) -> None:
    await world.queue(*example.arguments(service.url))
    zombie = world.worker("--concurrency=1", failpoint=f"{example.places[1]}=stop@2")
    await world.until_stopped(zombie)
    await world.finish()
    zombie.kill(signal.SIGCONT)
    await eventually(lambda: "longer than a lease" in zombie.output)
    zombie.kill(signal.SIGTERM)
    assert await zombie.wait() == 0
    assert "Fenced: 1" in zombie.output
    await world.finish()
    await is_done_once(world, example, service, more_calls=1)


async def test_ten_deliveries_of_each_message(world: World, example: Example, service: Served) -> None:
    await world.queue(*example.arguments(service.url))
    for _ in range(9):
        await world.publish(*await world.messages())
    await world.finish()
    await is_done_once(world, example, service)


async def test_sessions_that_are_ended_again_and_again(world: World, example: Example, service: Served) -> None:
    await world.queue(*example.arguments(service.url))
    worker = world.worker(f"--concurrency={SLOTS}", **PATIENT)
    rounds = (example.keys // 6, example.keys // 3, example.keys // 2)
    for wanted in rounds:
        await eventually(lambda wanted=wanted: world.value(f"SELECT ({DONE}) >= {wanted}"), interval=0.01)
        await world.execute(END_WORKERS)
    await world.until_ended()
    await world.drain(worker)
    await world.finish()
    await is_done_once(world, example, service, more_calls=len(rounds) * SLOTS)


async def test_a_service_that_is_away_for_a_while_costs_attempts_and_no_key(world: World, service: Served) -> None:
    example = Prices()
    world.definition = example.app
    world.env |= PERSEVERING
    await example.prepare(world)
    await world.queue(*example.arguments(service.url, rate=60))
    worker = world.worker(f"--concurrency={SLOTS}", **PATIENT)
    await eventually(lambda: service.counts.calls >= 10, interval=0.01)
    await service.stop()
    again = "SELECT count(*) FROM backfill_partitions WHERE not_before IS NOT NULL"
    await eventually(lambda: world.value(again), interval=0.01)
    await service.start()
    await world.until_ended()
    await world.drain(worker)
    assert (await numbers(world))["retried_recovered"] > 0
    await world.finish()
    await is_done_once(world, example, service, more_calls=SLOTS)


KINDS = pytest.mark.parametrize("kind", [Prices, Generation, Embeddings])


@KINDS
async def test_a_database_that_is_killed_and_started_again(
    on_own_postgres: World, private_postgres: Postgres, service: Served, kind: type[Example]
) -> None:
    await outlives(on_own_postgres, private_postgres, service, kind())


@KINDS
async def test_a_broker_that_is_killed_and_started_again(
    on_own_rabbitmq: World, private_rabbitmq: Rabbitmq, service: Served, kind: type[Example]
) -> None:
    await outlives(on_own_rabbitmq, private_rabbitmq, service, kind())


async def outlives(world: World, server: Postgres | Rabbitmq, service: Served, example: Example) -> None:
    world.definition = example.app
    await example.prepare(world)
    await world.queue(*example.arguments(service.url))
    worker = world.worker("--concurrency=1", failpoint=f"{example.places[1]}=stop@2", **PATIENT)
    await world.until_stopped(worker)
    await asyncio.to_thread(server.kill9)
    worker.kill(signal.SIGCONT)
    await asyncio.to_thread(server.start)
    if isinstance(server, Postgres):
        await world.reconnect()
    await world.until_ended(deadline=60)
    await world.drain(worker)
    await world.finish()
    await is_done_once(world, example, service, more_calls=1)
