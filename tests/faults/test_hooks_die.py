"""A worker may die in `before_job`: nothing of it is kept then, another does it, and it is done once."""

import signal

import pytest

from tests.support import hooked
from tests.support.operating import closed_gate, until_held
from tests.support.waiting import eventually
from tests.support.world import PATIENT, World

pytestmark = pytest.mark.long

RECORDS = 60


@pytest.fixture
async def world(world: World) -> World:
    await world.execute(hooked.TABLE)
    world.definition = "tests.support.hooked:Before"
    await world.rows(RECORDS)
    return world


async def done_once(world: World) -> None:
    assert await world.value("SELECT count(*) FROM hooks") == 1
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == RECORDS
    await world.ends_well()


@pytest.mark.parametrize("place", ["worker.in_before_job", "worker.before_job_commit"])
async def test_killed_in_it_another_worker_does_it(world: World, place: str) -> None:
    await world.queue("--mode=all", "--batch-size=10")
    victim = world.worker(failpoint=f"{place}=kill")
    await world.until_killed(victim)
    assert await world.value("SELECT count(*) FROM hooks") == 0
    await world.finish()
    await done_once(world)


async def test_those_that_waited_for_one_that_is_killed_do_it(world: World) -> None:
    await world.queue("--mode=all", "--batch-size=10")
    async with closed_gate(world):
        victim = world.worker("--concurrency=1")
        await until_held(world, 1)
        others = world.worker("--concurrency=2")
        await until_held(world, 3)
        victim.kill(signal.SIGKILL)
        await victim.wait()
        # The next one is at the gate now, with a line of its own that is not committed.
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: world.value(waiting), what="another one at it")
    await world.until_ended()
    await world.drain(others)
    await world.finish()
    await done_once(world)


async def test_one_that_was_frozen_in_it_does_not_do_it_again(world: World) -> None:
    await world.queue("--mode=all", "--batch-size=10")
    frozen = world.worker("--concurrency=1", failpoint="worker.before_job_commit=stop", **PATIENT)
    await world.until_stopped(frozen)
    others = world.worker("--concurrency=2", **PATIENT)
    await until_held(world, 3)
    await world.let_leases_end(frozen.pid)
    # As the server does after half a minute (idle_in_transaction_session_timeout).
    await world.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state = 'idle in transaction'"
    )
    await world.until_ended()
    frozen.kill(signal.SIGCONT)
    await world.drain(frozen)
    await world.drain(others)
    await world.finish()
    await done_once(world)


async def test_a_run_that_is_killed_in_it_is_gone_on_with(world: World) -> None:
    apart = {"RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    victim = world.run("backfill", "run", "--mode=all", failpoint="worker.before_job_commit=kill", **apart)
    await world.until_killed(victim)
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = '-infinity' WHERE planned_at IS NULL")
    command = world.run("backfill", "run", "--resume", "latest", **apart)
    assert await command.wait() == 0, command.output
    await done_once(world)


@pytest.mark.parametrize(("what", "state"), [("before sleeps", "active"), ("before is deaf", "idle in transaction")])
async def test_a_stop_cuts_it_off_after_the_drain_and_nothing_of_it_is_kept(
    world: World, what: str, state: str
) -> None:
    await world.queue("--mode=all", "--batch-size=60")
    await world.execute("INSERT INTO outage VALUES ($1)", what)
    sessions = "datname = current_database() AND application_name LIKE 'worker %' AND query ~ 'pg_sleep|FROM outage'"
    at_it = f"SELECT count(*) FROM pg_stat_activity WHERE {sessions} AND state = $1"
    worker = world.worker(BACKFILL_DRAIN_SECONDS="1", **PATIENT)
    await eventually(lambda: world.value(at_it, state))

    worker.kill(signal.SIGTERM)

    assert await worker.wait() == 0, worker.output
    assert "1 partitions did not finish in time" in worker.output
    partition = (await world.fetch("SELECT * FROM backfill_partitions"))[0]
    assert (partition["state"], partition["attempt_count"]) == ("pending", 0)
    assert await world.value("SELECT before_job_at IS NULL FROM backfill_jobs")
    assert await world.value("SELECT count(*) FROM hooks") == 0
    await world.execute("DELETE FROM outage")
    await world.finish()
    await done_once(world)
