"""The application works on the same rows meanwhile: what it writes stays, what it deletes is counted as deleted."""

import signal

from tests.support.waiting import eventually
from tests.support.world import AT_LOCKS, PATIENT, World


async def waiting_for_a_lock(world: World) -> bool:
    found: bool = await world.value(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'worker %' AND wait_event_type = 'Lock')"
    )
    return found


async def test_values_that_the_application_wrote_while_they_were_computed_are_kept_in_mode_null(world: World) -> None:
    await world.rows(30)
    await world.queue("--mode=null", "--batch-size=10")
    worker = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.until_stopped(worker)
    await world.execute("UPDATE things SET value = 900 + id WHERE id % 3 = 0")
    worker.kill(signal.SIGCONT)
    await world.until_ended()
    await world.drain(worker)

    reasons = await world.fetch("SELECT skip_reasons FROM backfill_partitions")
    assert [row["skip_reasons"] for row in reasons].count("{}") == 0
    assert await world.value("SELECT sum(records_skipped) FROM backfill_partitions") == 10
    await world.finish()
    await world.ends_well(sentinels={number: 900 + number for number in range(3, 31, 3)})


async def test_in_mode_all_a_value_that_the_application_wrote_meanwhile_is_read_anew_not_overwritten(
    world: World,
) -> None:
    await world.rows(30, value=5)
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.until_stopped(worker)
    await world.execute("UPDATE things SET value = 100 WHERE id <= 4")
    worker.kill(signal.SIGCONT)
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT array_agg(value::int ORDER BY id) FROM things WHERE id <= 5") == [101] * 4 + [6]
    assert await world.value("SELECT sum(attempt_count) FROM backfill_partitions") == 3
    await world.ends_well()


async def test_a_change_that_commits_while_the_apply_waits_for_its_row_is_seen(world: World) -> None:
    await world.rows(10, value=5)
    await world.queue("--mode=all", "--batch-size=10")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("UPDATE things SET value = 100 WHERE id = 7")
        worker = world.worker(**AT_LOCKS)
        await eventually(lambda: waiting_for_a_lock(world), what="an apply that waits")
        await transaction.commit()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT array_agg(value::int ORDER BY id) FROM things") == [6] * 6 + [101] + [6] * 3
    await world.finish()
    await world.ends_well()


async def test_a_change_of_another_column_does_not_matter_to_a_definition_with_a_version(world: World) -> None:
    await world.rows(10, value=5)
    world.definition = "Versioned"
    await world.queue("--mode=all", "--batch-size=10")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("UPDATE things SET extra = 'touched' WHERE id = 7")
        worker = world.worker(**AT_LOCKS)
        await eventually(lambda: waiting_for_a_lock(world), what="an apply that waits")
        await transaction.commit()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT array_agg(value::int ORDER BY id) FROM things") == [6] * 10
    assert await world.value("SELECT extra FROM things WHERE id = 7") == "touched"
    assert await world.value("SELECT records_skipped FROM backfill_partitions") == 0
    await world.finish()
    await world.ends_well()


async def test_while_the_application_holds_a_row_its_neighbours_are_written_and_that_row_is_retried(
    world: World,
) -> None:
    await world.rows(10)
    await world.queue("--mode=all", "--batch-size=10")
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("SELECT FROM things WHERE id = 7 FOR UPDATE")
        worker = world.worker(BACKFILL_LOCK_TIMEOUT_MS="100", BACKFILL_RETRY_DELAYS="0.2,2,2,2,2")
        await eventually(lambda: world.value("SELECT count(*) = 9 FROM things WHERE value = 1"))
        assert await world.value("SELECT remaining_ids FROM backfill_partitions") == ["7"]
        await transaction.rollback()
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT array_agg(value::int) FROM things") == [1] * 10
    await world.finish()
    await world.ends_well()


async def test_rows_deleted_between_plan_and_apply_are_counted_as_deleted(world: World) -> None:
    await world.rows(30)
    await world.queue("--mode=all", "--batch-size=10")
    await world.execute("DELETE FROM things WHERE id IN (1, 2)")
    worker = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.until_stopped(worker)
    await world.execute("DELETE FROM things WHERE id IN (3, 21, 22)")
    worker.kill(signal.SIGCONT)
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT sum(records_deleted) FROM backfill_partitions") == 5
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 25
    await world.finish()
    await world.ends_well()


async def test_a_job_whose_rows_were_all_deleted_completes(world: World) -> None:
    await world.rows(30)
    await world.queue("--mode=null", "--batch-size=10")
    await world.execute("DELETE FROM things")

    await world.finish()

    assert await world.value("SELECT records_deleted FROM backfill_jobs") == 30
    await world.ends_well()


async def test_records_committed_late_behind_the_cursor_are_found_by_the_closing_sweep(world: World) -> None:
    await world.rows(30)
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("INSERT INTO things (id, base) SELECT id, 0 FROM generate_series(-5, 0) AS id")
        await world.queue("--mode=null", "--batch-size=10")
        await transaction.commit()

    worker = await world.finish()

    assert "6 records had been missed" in worker.output
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 36
    await world.ends_well()


async def test_an_application_that_writes_all_the_time_loses_nothing(world: World) -> None:
    await world.rows(200, value=5)
    await world.queue("--mode=all", "--batch-size=20")
    worker = world.worker("--concurrency=3")
    async with world.session() as session:
        while await world.value("SELECT completed_at IS NULL FROM backfill_jobs"):
            await session.execute("UPDATE things SET value = value + 1000 WHERE id = 1 + floor(random() * 200)")
    await world.drain(worker)

    # Every write added exactly what it had to: none was lost under another.
    wrong = await world.fetch(
        "SELECT t.id, t.value FROM things t WHERE t.value <> 5 + (SELECT coalesce(sum(new - old), 0) FROM audit a "
        "WHERE a.id = t.id)"
    )
    assert not wrong
    await world.finish()
    await world.ends_well()
