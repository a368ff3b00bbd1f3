"""A producer may die after any of its steps: resumed, it queues every record once."""

import asyncio
import signal

import pytest

from tests.support.waiting import eventually
from tests.support.world import World, last_json

pytestmark = pytest.mark.long

STEPS = [
    "producer.after_open",
    "producer.after_plan",
    "producer.after_publish",
    "producer.after_mark",
    "producer.before_finish",
]


async def die(world: World, step: str, *arguments: str) -> None:
    name, _, nth = step.partition("@")
    victim = world.producer("--mode=all", "--batch-size=2", *arguments, failpoint=f"{name}=kill@{nth or 1}")
    await world.until_killed(victim)
    # As if the dead producer's lease of 30 seconds had passed.
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")


@pytest.mark.parametrize("step", [*STEPS, "producer.after_plan@2", "producer.after_publish@3"])
async def test_a_producer_killed_after_a_step_is_resumed_and_every_record_is_queued_once(
    world: World, step: str
) -> None:
    await world.rows(100)
    await die(world, step)

    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output

    planned = await world.fetch("SELECT unnest(record_ids)::int AS id FROM backfill_partitions ORDER BY id")
    assert [row["id"] for row in planned] == list(range(1, 101))
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_a_producer_that_is_told_to_end_leaves_its_lease_to_the_next(world: World) -> None:
    await world.rows(100)
    producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop@2")
    await world.until_stopped(producer)
    producer.kill(signal.SIGTERM)
    producer.kill(signal.SIGCONT)
    assert await producer.wait() == 143
    assert "go on with backfill-queue --resume" in producer.output
    assert producer.output.endswith("\nended by SIGTERM\n")

    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output
    await world.finish()
    await world.ends_well()


async def test_what_a_dead_producer_has_planned_is_worked_on_before_anyone_resumes(world: World) -> None:
    await world.rows(100)
    await die(world, "producer.after_plan")

    worker = world.worker()
    await eventually(lambda: world.value("SELECT count(*) = 40 FROM things WHERE value = 1"))

    assert await world.state() == "running"
    await world.drain(worker)
    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_a_limit_is_kept_to_the_record_by_a_producer_that_died_and_was_resumed(world: World) -> None:
    await world.rows(100)
    await die(world, "producer.after_mark", "--limit=75")

    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output

    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 75
    await world.ends_well()


async def test_a_job_that_a_live_producer_plans_cannot_be_resumed_by_a_second(world: World) -> None:
    await world.rows(100)
    first = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop")
    await world.until_stopped(first)

    second = world.producer("--resume", "latest")
    assert await second.wait() == 4
    assert "is being planned by another producer" in second.output

    first.kill(signal.SIGCONT)
    assert await first.wait() == 0, first.output
    await world.finish()
    await world.ends_well()


async def test_a_producer_that_slept_past_its_lease_stops_when_another_has_taken_over(world: World) -> None:
    await world.rows(100)
    zombie = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop")
    await world.until_stopped(zombie)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output

    zombie.kill(signal.SIGCONT)

    assert await zombie.wait() == 4
    assert "taken over by another producer" in zombie.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_of_producers_that_start_at_once_one_opens_the_job_and_the_others_name_it(world: World) -> None:
    await world.rows(50)
    producers = [world.producer("--mode=all", "--batch-size=10", "--json") for _ in range(4)]

    codes = await asyncio.gather(*(producer.wait() for producer in producers))

    assert sorted(codes) == [0, 4, 4, 4], [producer.output for producer in producers]
    job = str(await world.job())
    for producer, code in zip(producers, codes, strict=True):
        if code == 0:
            assert last_json(producer)["job"] == job
        else:
            assert job in producer.output
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 1
    await world.finish()
    await world.ends_well()


async def test_producers_with_one_idempotency_key_open_one_job(world: World) -> None:
    await world.rows(50)
    producers = [world.producer("--mode=all", "--idempotency-key=nightly", "--json") for _ in range(3)]

    codes = await asyncio.gather(*(producer.wait() for producer in producers))

    assert codes == [0, 0, 0], [producer.output for producer in producers]
    assert {last_json(producer)["job"] for producer in producers} == {str(await world.job())}
    await world.finish()
    await world.ends_well()


async def test_a_producer_whose_database_sessions_are_ended_says_how_to_go_on(world: World) -> None:
    await world.rows(100)
    producer = world.producer("--mode=all", "--batch-size=2", failpoint="producer.after_plan=stop@2")
    await world.until_stopped(producer)
    await world.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'backfill-queue'"
    )
    producer.kill(signal.SIGCONT)

    assert await producer.wait() == 5
    assert f"--resume {await world.job()}" in producer.output
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = clock_timestamp()")
    resumed = world.producer("--resume", "latest")
    assert await resumed.wait() == 0, resumed.output
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()
