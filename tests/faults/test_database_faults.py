"""PostgreSQL goes away, comes back, forgets what was not flushed, or does not answer a COMMIT."""

import asyncio
import signal
from uuid import uuid4

import asyncpg
import pytest

from backfill.ledger import partitions
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.services.postgres import Postgres
from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PATIENT, World

pytestmark = pytest.mark.long

END_WORKERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'worker %'
"""


async def test_when_all_sessions_of_the_workers_are_ended_nothing_is_lost_or_doubled(world: World) -> None:
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=5")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        workers = [world.worker("--concurrency=2", **PATIENT, **AT_LOCKS) for _ in range(2)]
        await eventually(lambda: world.value("SELECT count(*) = 4 FROM backfill_partitions WHERE state = 'running'"))
        await world.execute(END_WORKERS)
    await world.until_ended()
    for worker in workers:
        await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    await world.finish()
    await world.ends_well()


async def test_sessions_that_are_ended_again_and_again_only_cost_time(world: World) -> None:
    await world.rows(300)
    await world.queue("--mode=all", "--batch-size=3")
    worker = world.worker("--concurrency=2")
    for done in (30, 90, 150, 210):
        await eventually(
            lambda done=done: world.value(f"SELECT count(*) >= {done} FROM things WHERE value = 1"), interval=0.01
        )
        await world.execute(END_WORKERS)
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 300
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize("how", ["restart", "kill9"])
async def test_workers_wait_for_a_database_that_is_away_and_go_on(
    on_own_postgres: World, private_postgres: Postgres, how: str
) -> None:
    world = on_own_postgres
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=5")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker("--concurrency=2", **AT_LOCKS)
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM backfill_partitions WHERE state = 'running'"))
        await asyncio.to_thread(getattr(private_postgres, how))
        session.terminate()
    await asyncio.to_thread(private_postgres.start)
    await world.reconnect()
    await world.until_ended(deadline=60)
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_a_worker_that_drains_while_the_database_is_away_ends_in_time(
    on_own_postgres: World, private_postgres: Postgres
) -> None:
    world = on_own_postgres
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=5")
    worker = world.worker("--concurrency=2", failpoint="worker.after_compute=stop", BACKFILL_DRAIN_SECONDS="2")
    await world.until_stopped(worker)
    await asyncio.to_thread(private_postgres.kill9)
    worker.kill(signal.SIGCONT)
    worker.kill(signal.SIGTERM)

    assert await worker.wait(45) == 0, worker.output  # it would wait for minutes
    await asyncio.to_thread(private_postgres.start)
    await world.reconnect()
    await world.finish()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()


async def test_a_commit_whose_answer_is_lost_is_looked_up_in_the_ledger(
    on_own_postgres: World, private_postgres: Postgres
) -> None:
    # A standby that does not exist: every COMMIT is done and waits for it, so that its session can be ended there.
    world = on_own_postgres
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=5")
    worker = world.worker("--concurrency=1", failpoint="worker.before_commit=stop", **PATIENT)
    await world.until_stopped(worker)
    # Its heartbeats wait for their answers too: who writes the values is meant.
    applying = "SELECT pid FROM pg_locks WHERE relation = 'things'::regclass AND mode = 'RowExclusiveLock'"
    pid = await world.value(applying)
    admin = await asyncpg.connect(private_postgres.url, timeout=10)
    probes: list[asyncio.Task[None]] = []

    async def commits_wait() -> bool:
        """That the setting is read says nothing: another process of the server sees to it, a moment later."""
        if all(probe.done() for probe in probes):
            probes.append(asyncio.create_task(world.execute("INSERT INTO outage VALUES ('none')")))
        return bool(await admin.fetchval("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"))

    try:
        await admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'ghost'")
        await admin.execute("SELECT pg_reload_conf()")
        await eventually(commits_wait, what="a server whose commits wait")
        worker.kill(signal.SIGCONT)
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = $1"
        await eventually(lambda: admin.fetchval(waiting, pid), what="a COMMIT that waits for its answer")
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
        await eventually(lambda: "did not answer" in worker.output, what="the worker noticing")
    finally:
        await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await admin.execute("SELECT pg_reload_conf()")
        await asyncio.gather(*probes)
        await admin.close()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT array_agg(value::int) FROM things") == [1] * 10
    assert await world.value("SELECT array_agg(attempt_count) FROM backfill_partitions") == [1, 1]
    await world.finish()
    await world.ends_well()


async def test_of_two_claims_with_one_fence_the_older_is_fenced_by_the_worker_id(world: World) -> None:
    # After a crash of the database, an unflushed claim is forgotten and the sequence gives its number out again.
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=10")
    old = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.until_stopped(old)
    fence = await world.value("SELECT fence FROM backfill_partitions")
    await world.execute(
        "UPDATE backfill_partitions SET state = 'pending', lease_expires_at = NULL, worker_id = NULL, fence = NULL"
    )
    await world.execute("SELECT setval('backfill_fence_seq', $1, false)", fence)
    new = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.publish(*await world.messages())
    await world.until_stopped(new)
    assert await world.value("SELECT fence FROM backfill_partitions") == fence

    old.kill(signal.SIGCONT)
    await world.drain(old)
    assert "Fenced: 1" in old.output
    assert await world.value("SELECT count(*) FROM audit") == 0
    new.kill(signal.SIGCONT)
    await world.until_ended()
    await world.drain(new)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.finish()
    await world.ends_well()


async def test_the_apply_holds_its_claim_by_fence_and_worker_both(world: World) -> None:
    await world.rows(10)
    job = await world.queue("--mode=all", "--batch-size=10")
    message = PartitionMessage(job_id=job, backfill="counter", mode=Mode.ALL, partition_key="000000001", ids=("1",))
    claim = await partitions.claim(world.connection, message, uuid4(), 0.0)
    assert claim
    later = await partitions.claim(world.connection, message, uuid4(), 60.0)
    assert later
    assert later.fence > claim.fence
    async with world.connection.transaction():
        assert not await partitions.lock(world.connection, claim, "counter")
        assert await partitions.lock(world.connection, later, "counter")
        other = partitions.Claim(**{**vars(later), "worker": claim.worker})
        assert not await partitions.lock(world.connection, other, "counter")
    await partitions.release(world.connection, later)
    await world.finish()
    await world.ends_well()


async def test_an_uncommitted_change_of_the_jobs_state_makes_workers_wait_not_die(world: World) -> None:
    await world.rows(30)
    await world.queue("--mode=all", "--batch-size=10")
    async with world.session() as operator:
        transaction = operator.transaction()
        await transaction.start()
        await operator.execute("UPDATE backfill_jobs SET state = 'running', started_at = clock_timestamp()")
        worker = world.worker(BACKFILL_LOCK_TIMEOUT_MS="100")
        await eventually(lambda: "did not answer (LockNotAvailableError)" in worker.output)
        await transaction.rollback()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 30
    await world.finish()
    await world.ends_well()


async def test_a_partition_that_somebody_holds_locked_makes_workers_wait_not_die(world: World) -> None:
    world.definition = "Gated"
    await world.rows(30)
    await world.queue("--mode=all", "--batch-size=10")
    async with world.session() as gate, world.session() as operator:
        await gate.execute("SELECT pg_advisory_lock(77)")
        worker = world.worker(BACKFILL_LOCK_TIMEOUT_MS="1000")
        await eventually(lambda: world.value("SELECT count(*) = 3 FROM backfill_partitions WHERE state = 'running'"))
        transaction = operator.transaction()
        await transaction.start()
        await operator.execute("SELECT FROM backfill_partitions FOR UPDATE")
        # Renewals meet the lock meanwhile.
        before = await world.value("SELECT max(heartbeat_at) FROM backfill_workers")
        await eventually(
            lambda: world.value(
                "SELECT max(heartbeat_at) > $1::timestamptz + interval '1.5 s' FROM backfill_workers", before
            )
        )
        assert worker.returncode is None, worker.output
        await transaction.rollback()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 30
    await world.finish()
    await world.ends_well()


async def test_who_waits_for_a_job_or_watches_it_outlives_a_restart(
    on_own_postgres: World, private_postgres: Postgres
) -> None:
    world = on_own_postgres
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=5")
    waiting = world.run("backfill", "wait", "--timeout=2m")
    watching = world.run("backfill", "status", "--watch", "--interval=0.2")
    looks = "SELECT count(DISTINCT application_name) = 2 FROM pg_stat_activity"
    await eventually(lambda: world.value(f"{looks} WHERE application_name IN ('backfill-wait', 'backfill-watch')"))
    await eventually(lambda: "pending: 0/20" in watching.output)
    await asyncio.to_thread(private_postgres.stop)
    for command in (waiting, watching):
        await eventually(lambda command=command: "waiting for it" in command.output)
    await asyncio.to_thread(private_postgres.start)
    await world.reconnect()

    await world.finish()
    for command in (waiting, watching):
        assert await command.wait() == 0, command.output
        assert command.output.count("waiting for it") == 1
        assert "completed" in command.output
    await world.ends_well()
