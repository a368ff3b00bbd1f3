"""A `backfill run` may die anywhere: another run finishes its job, and so does a worker with a broker."""

import signal

import pytest

from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

RECORDS = 200
PLACES = ["worker.after_claim", "worker.after_compute", "worker.before_commit", "worker.after_commit"]


def run(world: World, *arguments: str, failpoint: str = "") -> Command:
    """With no broker to be had."""
    return world.run("backfill", "run", *arguments, failpoint=failpoint, RABBITMQ_URL="", RABBITMQ_MANAGEMENT_URL="")


async def killed(world: World, failpoint: str, *arguments: str) -> None:
    await world.rows(RECORDS)
    victim = run(world, "--mode=all", "--batch-size=10", *arguments, failpoint=failpoint)
    await world.until_killed(victim)
    assert await world.state() != "completed"


async def resumed(world: World) -> None:
    command = run(world, "--resume", "latest")
    assert await command.wait() == 0, command.output


async def done_once(world: World) -> None:
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == RECORDS
    await world.ends_well()


@pytest.mark.parametrize("place", PLACES)
async def test_another_run_finishes_the_job_of_one_that_was_killed(world: World, place: str) -> None:
    await killed(world, f"{place}=kill@5")
    # Its lease on the planning may be left: shorter than a test would wait for.
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity' WHERE planned_at IS NULL")
    await resumed(world)
    await done_once(world)


@pytest.mark.parametrize("place", PLACES)
async def test_a_worker_with_a_broker_finishes_it_too(world: World, place: str) -> None:
    # Planned whole before it works: rests keep the one slot from getting far.
    await world.rows(RECORDS)
    victim = run(world, "--mode=all", "--batch-size=10", "--concurrency=1", failpoint=f"{place}=stop@2")
    await world.until_stopped(victim)
    victim.kill(signal.SIGCONT)
    await eventually(lambda: world.value("SELECT planned_at IS NOT NULL FROM backfill_jobs"))
    victim.kill(signal.SIGKILL)
    await victim.wait()
    await world.finish()
    await done_once(world)


async def test_killed_while_it_plans_it_is_planned_on_and_done_by_others(world: World) -> None:
    await killed(world, "producer.after_plan=kill@2", "--batch-size=2")
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity'")
    producer = world.producer("--resume", "latest")
    assert await producer.wait() == 0, producer.output
    await world.finish()
    await done_once(world)


async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(world: World) -> None:
    await world.rows(RECORDS)
    # It may be stopped with the job's row locked: PostgreSQL gives it as long as five statements.
    world.env["BACKFILL_STATEMENT_TIMEOUT_MS"] = "5000"
    zombie = run(world, "--mode=all", "--batch-size=10", "--concurrency=1", failpoint="worker.after_compute=stop@2")
    await world.until_stopped(zombie)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity' WHERE planned_at IS NULL")
    await resumed(world)
    zombie.kill(signal.SIGCONT)
    assert await zombie.wait() == 0, zombie.output
    await done_once(world)


async def test_planning_whose_session_is_ended_goes_on(world: World) -> None:
    await world.execute(
        "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END $$"
    )
    await world.execute(
        "CREATE TRIGGER held BEFORE INSERT ON backfill_partitions FOR EACH ROW "
        "WHEN (NEW.partition_key > '000000040') EXECUTE FUNCTION held()"
    )
    await world.rows(RECORDS)
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        command = run(world, "--mode=all", "--batch-size=2")
        waiting = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event = 'advisory' AND datname = current_database()"
        )
        await eventually(lambda: world.value(waiting), what="a planner that waits")
        await eventually(lambda: "planning was cut off" in command.output, what="a word about it")
    assert await command.wait() == 0, command.output
    assert command.output.count("planning was cut off") == 1
    await done_once(world)


async def test_sessions_that_are_ended_under_it_cost_nothing(world: World) -> None:
    await world.rows(RECORDS)
    command = run(world, "--mode=all", "--batch-size=10", "--concurrency=1")
    await eventually(lambda: world.value("SELECT count(*) FROM backfill_jobs"), what="a job")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 50")
    for count in (2, 6):
        await eventually(
            lambda count=count: world.value(
                "SELECT count(*) >= $1 FROM backfill_partitions WHERE state = 'completed'", count
            )
        )
        await world.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND application_name <> 'application'"
        )
    assert await command.wait() == 0, command.output
    await done_once(world)
