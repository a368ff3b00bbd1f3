"""A worker may die anywhere: nothing is lost, and no effect comes twice."""

import signal

import pytest

from tests.support.waiting import eventually
from tests.support.world import World


@pytest.mark.parametrize(
    "place", ["worker.before_claim", "worker.after_claim", "worker.after_compute", "worker.before_commit"]
)
async def test_what_a_worker_killed_before_its_commit_had_in_hand_is_done_once_by_another(
    world: World, place: str
) -> None:
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=10")
    victim = world.worker(failpoint=f"{place}=kill@2")
    await world.until_killed(victim)
    assert await world.state() != "completed"

    await world.finish()

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.ends_well()


async def test_a_worker_killed_between_commit_and_ack_leaves_a_duplicate_that_finds_nothing(world: World) -> None:
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=10")
    victim = world.worker("--concurrency=1", failpoint="worker.after_commit=kill@3")
    await world.until_killed(victim)
    # Those of three partitions; of fewer where an apply was cut off, and goes on in smaller pieces.
    written = await world.value("SELECT count(*) FROM things WHERE value = 1")
    assert 0 < written <= 30
    assert written == await world.value("SELECT sum(records_updated) FROM backfill_partitions")

    await world.finish()

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.ends_well()


async def test_a_worker_killed_before_it_published_a_retry_leaves_the_retry_to_the_reconciler(world: World) -> None:
    await world.rows(20)
    world.definition = "Flaky"
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=20")
    victim = world.worker("--concurrency=1", failpoint="worker.before_retry=kill")
    await world.until_killed(victim)
    await world.execute("DELETE FROM outage")

    await world.finish()

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


@pytest.mark.parametrize("place", ["worker.after_claim", "worker.after_compute"])
async def test_a_zombie_that_wakes_after_its_lease_writes_nothing(world: World, place: str) -> None:
    await world.rows(30)
    await world.queue("--mode=all", "--batch-size=10")
    zombie = world.worker("--concurrency=1", failpoint=f"{place}=stop@2")
    await world.until_stopped(zombie)

    await world.finish()
    audited = await world.value("SELECT count(*) FROM audit")
    zombie.kill(signal.SIGCONT)
    await eventually(lambda: "longer than a lease" in zombie.output)
    zombie.kill(signal.SIGTERM)

    assert await zombie.wait() == 0
    assert "Fenced: 1" in zombie.output
    assert audited == await world.value("SELECT count(*) FROM audit") == 30
    await world.finish()  # what the zombie gave back were duplicates
    await world.ends_well()


async def test_a_zombie_that_wakes_within_its_transaction_holds_the_partition_until_the_server_ends_it(
    world: World,
) -> None:
    # It sleeps with its values written and not committed: nobody may pass it, and nothing may come twice.
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=10")
    zombie = world.worker("--concurrency=1", failpoint="worker.before_commit=stop")
    await world.until_stopped(zombie)
    other = world.worker()
    await eventually(
        lambda: world.value("SELECT lease_expires_at < clock_timestamp() FROM backfill_partitions"),
        what="the end of the zombie's lease",
    )
    await eventually(
        lambda: world.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1",
            f"%:{other.pid}",
        )
    )

    zombie.kill(signal.SIGCONT)
    await world.until_ended()

    for worker in (zombie, other):
        await world.drain(worker)
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.finish()
    await world.ends_well()


async def test_a_partition_that_kills_every_worker_is_given_up_and_its_neighbours_are_written(world: World) -> None:
    # Six claims and no end: the first run and five retries.
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")
    await world.execute(
        "UPDATE backfill_partitions SET attempt_count = 4, interruptions = 4 WHERE partition_key = '000000001'"
    )
    for _ in range(2):
        victim = world.worker("--concurrency=1", failpoint="worker.after_claim=kill")
        await world.until_killed(victim)
        await world.execute("UPDATE backfill_partitions SET lease_expires_at = '-infinity' WHERE state = 'running'")

    await world.finish()

    assert "claimed 7 times and never finished" in world.said
    rows = await world.fetch("SELECT state, attempt_count FROM backfill_partitions ORDER BY partition_key")
    assert [tuple(row) for row in rows] == [("failed", 7), ("completed", 1)]
    assert await world.value("SELECT count(*) FROM backfill_failures WHERE error_class = 'NeverFinishedError'") == 10
    assert len(await world.dead()) == 1
    await world.ends_well()


async def test_a_record_that_kills_every_worker_fails_alone_whatever_its_attempts_were_used_for(world: World) -> None:
    world.definition = "tests.support.ways:Odd"
    await world.rows(20, base="(id = 7)::int")
    await world.queue("--mode=all", "--batch-size=20")
    await world.execute("UPDATE backfill_partitions SET attempt_count = 5")
    while await world.value("SELECT cardinality(coalesce(remaining_ids, record_ids)) > 1 FROM backfill_partitions"):
        await world.until_killed(world.worker("--concurrency=1"))
        await world.execute("UPDATE backfill_partitions SET lease_expires_at = '-infinity' WHERE state = 'running'")

    await world.finish()

    failed = await world.fetch("SELECT record_id, error_class FROM backfill_failures")
    assert [tuple(row) for row in failed] == [("7", "NeverFinishedError")]
    assert await world.value("SELECT array_agg(id) FROM things WHERE value IS NULL") == [7]
    await world.ends_well(states=["failed"])
