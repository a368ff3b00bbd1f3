"""A computation may take long, or for ever: leases are renewed meanwhile, and a record that is too slow fails alone."""

import signal

import pytest

from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

LEASE = {"BACKFILL_LEASE_SECONDS": "6"}  # renewed three times in it: a machine may stand still for four seconds
# Who computes for longer than a lease has no other partition in hand, which is not renewed while its row is locked.
ALONE = "--concurrency=1"
SLOW = 7  # the record that takes its time; all others take none
OTHERS = f"SELECT count(*) FROM things WHERE value = 1 AND id <> {SLOW}"
COMPUTING = (
    "datname = current_database() AND application_name LIKE 'worker %' AND state LIKE 'idle%' "
    "AND query LIKE '%FROM things WHERE id = ANY%'"
)
KEEPERS = "datname = current_database() AND application_name LIKE 'worker % keeper'"


async def queue(world: World, *, milliseconds: int) -> None:
    """Two partitions of ten records, one record of which takes so long."""
    await world.rows(20, base=f"CASE id WHEN {SLOW} THEN {milliseconds} ELSE 0 END")
    await world.queue("--mode=all", "--batch-size=10")


async def only_the_slow_record_failed(world: World, seconds: str) -> None:
    """It is listed by its id with what it was allowed, it was not tried again, and its neighbours are written."""
    failed = await world.fetch("SELECT record_id, error_class, error_message, attempts FROM backfill_failures")
    assert [(row["record_id"], row["error_class"], row["attempts"]) for row in failed] == [
        (str(SLOW), "RecordTimeoutError", 1)
    ]
    assert f"{seconds} s" in failed[0]["error_message"]
    assert await world.value(OTHERS) == 19
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1


async def all_written_at_the_first_attempt(world: World, workers: list[Command]) -> None:
    await world.until_ended()
    for worker in workers:
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1


async def test_nobody_takes_a_partition_away_whose_record_computes_for_two_leases(world: World) -> None:
    world.definition = "Slow"
    await queue(world, milliseconds=13_000)

    workers = [world.worker(ALONE, **LEASE) for _ in range(2)]
    await all_written_at_the_first_attempt(world, workers)
    assert not [worker for worker in workers if "lost their worker" in worker.output]
    await world.ends_well()


async def test_a_claim_whose_answer_waits_behind_a_computation_keeps_its_lease(world: World) -> None:
    world.definition = "Slow"
    await queue(world, milliseconds=13_000)
    # Making it run would wait for the other claim.
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = clock_timestamp()")
    async with world.session() as session:
        await session.execute("BEGIN; SELECT FROM backfill_partitions WHERE partition_key = '000000002' FOR UPDATE")
        workers = [world.worker(**LEASE, BACKFILL_LOCK_TIMEOUT_MS="60000")]
        computing = f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {COMPUTING})"
        await eventually(lambda: world.value(computing))
        await session.execute("COMMIT")
    workers.append(world.worker(**LEASE))
    await all_written_at_the_first_attempt(world, workers)
    await world.ends_well()


@pytest.mark.parametrize("definition", ["Slow", "Busy", "Stubborn", "Backtracking"])
async def test_a_record_that_takes_longer_than_it_may_fails_alone(world: World, definition: str) -> None:
    world.definition = definition
    await queue(world, milliseconds=60_000)

    await world.finish(BACKFILL_RECORD_SECONDS="0.5")

    await only_the_slow_record_failed(world, "0.5")
    taken = await world.value("SELECT max(duration_ms) FROM backfill_partitions")
    assert taken < 30_000  # it would have taken a minute
    await world.ends_well()


async def test_leases_are_renewed_while_c_code_keeps_the_interpreter_to_itself(world: World) -> None:
    world.definition = "Backtracking"
    await queue(world, milliseconds=1)

    workers = [world.worker(ALONE, **LEASE, BACKFILL_RECORD_SECONDS="8") for _ in range(2)]
    await world.until_ended()
    for worker in workers:
        await world.drain(worker)

    await only_the_slow_record_failed(world, "8")
    await world.ends_well()


async def test_leases_are_renewed_on_another_connection_when_the_first_is_ended(world: World) -> None:
    world.definition = "Slow"
    await queue(world, milliseconds=8_000)
    workers = [world.worker(ALONE, **LEASE)]
    running = "SELECT count(*) FROM backfill_partitions WHERE state = 'running'"
    await eventually(lambda: world.value(f"{running} AND records_updated = 0"))
    # It may come after the first claim.
    end = f"SELECT pid FROM pg_stat_activity WHERE {KEEPERS} AND pg_terminate_backend(pid)"
    ended = await eventually(lambda: world.value(end), what="the session that renews the leases")
    workers.append(world.worker(**LEASE))
    await eventually(
        lambda: world.value(f"SELECT count(*) = 2 FROM pg_stat_activity WHERE {KEEPERS} AND pid <> $1", ended)
    )
    await all_written_at_the_first_attempt(world, workers)
    await world.ends_well()


async def test_a_worker_whose_leases_nobody_renews_any_more_ends_and_says_why(world: World) -> None:
    world.definition = "Gated"
    await queue(world, milliseconds=0)
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker(failpoint="keeper.look=raise@8", BACKFILL_LOCK_TIMEOUT_MS="60000")
        assert await worker.wait() == 1, worker.output
    error = worker.output.splitlines()[-1]
    assert error.startswith("error: the thread that renews this worker's leases has died of OSError: failpoint")

    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()


async def test_a_worker_that_cannot_interrupt_a_record_says_which_and_ends(world: World) -> None:
    world.definition = "Deaf"
    await queue(world, milliseconds=1)
    await world.execute("UPDATE backfill_partitions SET attempt_count = 2")
    limits = {"BACKFILL_RECORD_SECONDS": "0.2", "BACKFILL_PARTITION_SECONDS": "1"}

    worker = world.worker("--concurrency=2", **limits)

    assert await worker.wait() == 70, worker.output
    error = worker.output.splitlines()[-1]
    assert f"Record {SLOW} of partition 000000001 of job {await world.job()}" in error
    assert "exit code 70" in error
    # What was beside it in this worker's hands was no attempt.
    attempts = "SELECT attempt_count FROM backfill_partitions ORDER BY partition_key"
    assert [row["attempt_count"] for row in await world.fetch(attempts)] in ([3, 2], [3, 3])
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()


async def test_a_worker_whose_every_thread_is_held_up_is_ended_by_the_system(world: World) -> None:
    world.definition = "Greedy"
    await queue(world, milliseconds=1)
    limits = {"BACKFILL_RECORD_SECONDS": "0.2", "BACKFILL_PARTITION_SECONDS": "1"}

    worker = world.worker(**limits)

    assert await worker.wait() == -signal.SIGPROF, worker.output
    await world.execute("UPDATE things SET base = 0")
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()
