"""Sessions and workers that end under a claim: by an outage, which is no attempt, or by what the claim itself runs."""

import signal
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from backfill.ledger import interruptions, partitions
from backfill.ledger.interruptions import Fate
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage
from backfill.modes import Mode
from tests.support.operating import closed_gate, queued, until_held, working
from tests.support.proxy import proxied
from tests.support.waiting import eventually
from tests.support.world import PATIENT, World

pytestmark = pytest.mark.long

# The session ends whenever the record with base 1 is asked for: as by a query that takes all memory.
KILLING = """
    SELECT id, value, CASE WHEN base = 1 THEN pg_terminate_backend(pg_backend_pid()) END FROM things WHERE id = ANY($1)
"""
# The same, but only as often as that.
KILLING_TWICE = KILLING.replace("base = 1 THEN", "base = 1 AND nextval('endings') <= 2 THEN")
# What is to blame is looked for one by one by then.
AFTER_FOUR_ATTEMPTS = """
    UPDATE backfill_partitions SET interruptions = 3, attempt_count = 4 WHERE partition_key = '000000001'
"""


async def claimed(world: World, worker: object = None, lease: float = 60.0) -> Claim | None:
    message = PartitionMessage(
        job_id=await world.job(), backfill=world.backfill, mode=Mode.ALL, partition_key="000000001", ids=("1",)
    )
    return await partitions.claim(world.connection, message, worker or uuid4(), lease)  # type: ignore[arg-type]


async def test_an_outage_of_the_database_costs_no_attempt_and_work_goes_on_by_itself(world: World) -> None:
    """It waits for no end of a lease, and for no reconciler: either would be minutes."""
    world.definition = "Gated"
    await world.rows(20)
    await queued(world)
    async with proxied(world.database) as (url, proxy):
        settings = {"DATABASE_URL": url, "BACKFILL_LEASE_SECONDS": "600", "BACKFILL_RECONCILE_SECONDS": "600"}
        async with working(world, concurrency=2, **settings):
            async with closed_gate(world):
                await until_held(world, 2)
                proxy.shut()
                until = time.monotonic() + 2.5  # longer than a stopping worker takes to give a claim back
                await eventually(lambda: time.monotonic() > until)
            proxy.thaw()
            await world.until_ended(60)

    assert await world.value("SELECT array_agg(attempt_count) FROM backfill_partitions") == [1, 1]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.ends_well()


async def test_a_worker_whose_claim_was_not_answered_claims_again_and_another_does_not(world: World) -> None:
    await world.rows(10)
    await queued(world)
    worker = uuid4()
    first = await claimed(world, worker)
    assert first is not None

    assert await claimed(world) is None
    again = await claimed(world, worker)

    assert again is not None
    assert again.fence > first.fence
    assert (again.attempt, again.interruptions) == (1, 0)
    assert await world.value("SELECT claimed_at > started_at FROM backfill_partitions")
    async with world.connection.transaction():
        assert not await partitions.lock(world.connection, first, world.backfill)
        assert await partitions.lock(world.connection, again, world.backfill)
    await partitions.release(world.connection, first)  # comes late, and takes nothing from the new claim
    assert await world.value("SELECT state FROM backfill_partitions") == "running"
    await partitions.release(world.connection, again)
    await world.finish()
    await world.ends_well()


async def test_what_may_have_ended_its_session_rests_longer_each_time_and_then_it_is_an_attempt(world: World) -> None:
    await world.rows(10)
    await queued(world)
    for seconds in (10, 20, 40):
        claim = await claimed(world)
        assert claim is not None
        assert claim.attempt == 1
        before = await world.value("SELECT clock_timestamp()")
        fate = await interruptions.give_back(world.connection, claim, may_be_own=True, rest_seconds=10)
        after = await world.value("SELECT clock_timestamp()")
        assert fate is Fate.REST
        until = await world.value("SELECT not_before FROM backfill_partitions")
        assert before <= until - timedelta(seconds=seconds) <= after
        assert await world.value("SELECT attempt_count FROM backfill_partitions WHERE published_at IS NULL") == 0
        await world.execute("UPDATE backfill_partitions SET not_before = NULL")

    claim = await claimed(world)
    assert claim is not None
    assert claim.interruptions == interruptions.MOST
    fate = await interruptions.give_back(world.connection, claim, may_be_own=True, rest_seconds=10)

    assert fate is Fate.ATTEMPT
    assert await world.value("SELECT attempt_count FROM backfill_partitions WHERE state = 'running'") == 1
    assert await partitions.retry(world.connection, claim, 0, "its session has ended")
    await world.finish()
    await world.ends_well()


async def test_a_server_that_was_started_anew_or_replaced_is_nobodys_doing(world: World) -> None:
    await world.rows(10)
    await queued(world)
    claim = await claimed(world)
    assert claim is not None
    # By this server's clock the claim is younger than the server, as it is on a standby that was promoted.
    claim = replace(claim, server_started=claim.server_started - timedelta(seconds=1))

    fate = await interruptions.give_back(world.connection, claim, may_be_own=True, rest_seconds=10)

    assert fate is Fate.AGAIN
    row = await world.connection.fetchrow("SELECT * FROM backfill_partitions")
    assert row is not None
    assert (row["state"], row["attempt_count"], row["interruptions"]) == ("pending", 0, 0)
    assert row["published_at"] is not None  # its message is still in the worker's hands
    assert await interruptions.give_back(world.connection, claim, may_be_own=True, rest_seconds=10) is Fate.AGAIN
    await world.finish()
    await world.ends_well()


async def test_a_record_whose_query_ends_its_session_fails_alone(world: World) -> None:
    world.definition = "Configured"
    world.env = world.env | {"TEST_INPUTS": KILLING}
    await world.rows(20, base="(id = 7)::int")
    await world.queue("--mode=all", "--batch-size=10")
    # As after three rests and four attempts: it is looked for one by one.
    await world.execute(
        "UPDATE backfill_partitions SET interruptions = 3, attempt_count = 4 WHERE partition_key LIKE '%1'"
    )

    await world.finish()

    failed = await world.fetch("SELECT record_id, error_class, attempts FROM backfill_failures")
    assert [tuple(row)[::2] for row in failed] == [("7", 6)]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 19
    assert world.said.count("Gave up partition 000000001") == 1
    assert len(await world.dead()) == 1
    await world.ends_well()


async def test_a_query_that_ends_its_session_is_given_back_with_fewer_records_at_once(world: World) -> None:
    world.definition = "Configured"
    world.env = world.env | {"TEST_INPUTS": KILLING_TWICE}
    await world.rows(20, base="(id = 7)::int")
    await world.execute("CREATE SEQUENCE endings")
    await world.queue("--mode=all", "--batch-size=20")
    worker = world.worker(**PATIENT)
    await world.until_ended()
    await world.drain(worker)

    assert "may have ended its session itself" in worker.output
    (row,) = await world.fetch("SELECT attempt_count, interruptions FROM backfill_partitions")
    assert tuple(row) == (1, 2)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.finish()
    await world.ends_well()


async def test_a_record_that_kills_every_worker_fails_alone(world: World) -> None:
    world.definition = "Deadly"
    await world.rows(20, base="(id = 7)::int")
    await world.queue("--mode=all", "--batch-size=10")
    await world.execute(
        "UPDATE backfill_partitions SET interruptions = 3, attempt_count = 4 WHERE partition_key LIKE '%1'"
    )
    for _ in range(2):
        victim = world.worker("--concurrency=1")
        await world.until_killed(victim)
        await world.execute("UPDATE backfill_partitions SET lease_expires_at = '-infinity' WHERE state = 'running'")

    await world.finish("--concurrency=1")

    assert await world.value("SELECT array_agg(record_id) FROM backfill_failures") == ["7"]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 19
    await world.ends_well()


async def test_a_drain_that_is_cut_gives_the_claim_back(world: World) -> None:
    world.definition = "Gated"
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=10")
    async with closed_gate(world):
        worker = world.worker(BACKFILL_DRAIN_SECONDS="1", BACKFILL_LOCK_TIMEOUT_MS="30000", **PATIENT)
        await until_held(world, 1)
        worker.kill(signal.SIGTERM)
        assert await worker.wait() == 0, worker.output
        row = await world.connection.fetchrow("SELECT state, attempt_count FROM backfill_partitions")
        assert row is not None
        assert tuple(row) == ("pending", 0)
    await world.finish()
    await world.ends_well()


async def test_another_database_that_a_definition_reads_being_away_is_an_attempt(world: World) -> None:
    world.definition = "Elsewhere"
    await world.rows(10)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")

    await world.finish()

    assert await world.value("SELECT array_agg(attempt_count) FROM backfill_partitions") == [6]
    error = await world.value("SELECT error_message FROM backfill_partitions")
    assert error.startswith("TransientError: CannotConnectNowError"), error
    await world.ends_well(states=["failed"])


def test_the_errors_of_a_server_that_is_starting_or_crashed_are_nobodys_doing() -> None:
    from backfill.workers.interruptions import may_be_own

    assert may_be_own(asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"))
    assert may_be_own(asyncpg.AdminShutdownError("terminating connection due to administrator command"))
    for error in (asyncpg.CrashShutdownError("x"), asyncpg.CannotConnectNowError("x"), ConnectionRefusedError()):
        assert not may_be_own(error)


async def test_a_service_that_a_definition_asks_is_asked_again_later(world: World) -> None:
    world.definition = "Fetching"
    await world.rows(10)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")
    # So that a late test does not find all attempts used up.
    worker = world.worker(BACKFILL_RETRY_DELAYS="0.2,600", **PATIENT)
    put_off_again = "SELECT attempt_count = 2 AND not_before IS NOT NULL FROM backfill_partitions"
    await eventually(lambda: world.value(put_off_again))
    await world.execute("DELETE FROM outage")
    await world.execute("UPDATE backfill_partitions SET not_before = NULL, published_at = NULL")
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    assert "Fenced" not in worker.output
    await world.finish()
    await world.ends_well()
