"""One bad record never fails its neighbours, and every one is listed with its error."""

import pytest

from tests.support.definitions import Poison
from tests.support.waiting import eventually
from tests.support.world import PATIENT, PERSEVERING, World

BAD = {
    Poison.RAISES: ("ValueError", "record 1 cannot be computed"),
    Poison.NAN: ("ValueError", "value is NaN (Decimal), the column is numeric(12,2): not a finite number"),
    Poison.INFINITE: ("ValueError", "value is inf (float), the column is numeric(12,2): not a finite number"),
    Poison.WRONG_TYPE: (
        "TypeError",
        "value is 'many' (str), the column is numeric(12,2): give an int, a Decimal or a float",
    ),
    Poison.REFUSED: ("CheckViolationError", "things_value_is_not_unlucky"),
    Poison.UNLOADABLE: ("DivisionByZeroError", "division by zero"),
    Poison.INCOMPLETE: ("KeyError", "compute returned no value, which is one of"),
    Poison.TOO_LARGE: ("NumericValueOutOfRangeError", "numeric field overflow"),
}


async def test_each_kind_of_bad_record_is_listed_with_its_error_while_its_neighbours_are_written(world: World) -> None:
    world.definition = "Poison"
    await world.rows(20, base=f"CASE WHEN id IN ({', '.join(map(str, BAD))}) THEN id ELSE 0 END")
    await world.queue("--mode=null", "--batch-size=20")

    await world.finish()

    failed = {int(row["record_id"]): row for row in await world.fetch("SELECT * FROM backfill_failures")}
    assert set(failed) == set(BAD)
    for kind, (error_class, text) in BAD.items():
        assert failed[kind]["error_class"] == error_class
        assert text in failed[kind]["error_message"]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20 - len(BAD)
    assert await world.value("SELECT count(*) FROM things WHERE value IS NULL") == len(BAD)
    listed = world.run("backfill", "failures", "latest")
    assert await listed.wait() == 0
    assert "CheckViolationError" in listed.output
    await world.ends_well()


async def test_bad_records_of_every_kind_in_one_partition_are_told_apart(world: World) -> None:
    world.definition = "Poison"
    await world.rows(110, base="id % 11")
    await world.queue("--mode=null", "--batch-size=110")

    await world.finish()

    classes = await world.fetch("SELECT error_class, count(*) AS n FROM backfill_failures GROUP BY 1")
    assert {row["error_class"]: row["n"] for row in classes} == {
        "ValueError": 30,
        "TypeError": 10,
        "CheckViolationError": 10,
        "DivisionByZeroError": 10,
        "KeyError": 10,
        "NumericValueOutOfRangeError": 10,
    }
    job = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
    counts = (job["records_updated"], job["records_unchanged"], job["records_skipped"], job["records_failed"])
    assert counts == (10, 10, 10, 80)
    await world.ends_well()


async def test_a_record_that_is_refused_only_at_the_commit_stands_alone_too(world: World) -> None:
    world.definition = "Poison"
    await world.execute(
        """
        ALTER TABLE things DROP CONSTRAINT things_value_is_not_unlucky;
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'unlucky' USING ERRCODE = 'check_violation'; END $$;
        CREATE CONSTRAINT TRIGGER unlucky AFTER UPDATE ON things DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.value = 13) EXECUTE FUNCTION refuse();
        """
    )
    await world.rows(20, base=f"CASE WHEN id = 11 THEN {Poison.REFUSED} ELSE 0 END")
    await world.queue("--mode=null", "--batch-size=20")

    await world.finish()

    assert await world.value("SELECT array_agg(record_id) FROM backfill_failures") == ["11"]
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 19
    await world.ends_well()


async def test_a_partition_whose_inputs_are_away_is_retried_until_they_are_back(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")
    worker = world.worker(**PERSEVERING)
    await eventually(lambda: world.value("SELECT min(attempt_count) >= 2 FROM backfill_partitions"))
    await world.execute("DELETE FROM outage")
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.finish()
    await world.ends_well()


async def test_after_five_retries_a_partition_is_failed_dead_lettered_and_its_records_are_listed(world: World) -> None:
    world.definition = "Flaky"
    await world.rows(20)
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=10")

    await world.finish()

    rows = await world.fetch("SELECT state, attempt_count, error_message FROM backfill_partitions")
    assert [(row["state"], row["attempt_count"]) for row in rows] == [("failed", 6)] * 2
    assert all("the service of the inputs is away" in row["error_message"] for row in rows)
    failed = await world.fetch("SELECT DISTINCT error_class, attempts FROM backfill_failures")
    assert [tuple(row) for row in failed] == [("TransientError", 6)]
    assert await world.value("SELECT count(*) FROM backfill_failures") == 20
    assert len(await world.dead()) == 2
    await world.ends_well(states=["failed"])


async def test_only_the_records_that_may_succeed_later_are_retried(world: World) -> None:
    world.definition = "Reluctant"
    await world.rows(20, base="id")
    await world.execute("INSERT INTO outage VALUES ('away')")
    await world.queue("--mode=all", "--batch-size=20")
    worker = world.worker(**PERSEVERING)
    await eventually(lambda: world.value("SELECT cardinality(remaining_ids) = 10 FROM backfill_partitions"))
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 10
    await world.execute("DELETE FROM outage")
    await world.until_ended()
    await world.drain(worker)

    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 20
    await world.finish()
    await world.ends_well()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE things DROP COLUMN base", "UndefinedColumnError"),
        ("ALTER TABLE things DROP COLUMN value", "value"),
        ("ALTER TABLE things RENAME TO gone", "things"),
    ],
)
async def test_when_the_table_changes_under_a_job_it_is_paused_once_with_the_reason(
    world: World, change: str, reason: str
) -> None:
    world.definition = "Poison"
    await world.rows(60)
    await world.queue("--mode=null", "--batch-size=10")
    first = world.worker("--concurrency=1", "--max-records=10", **PATIENT)
    assert await first.wait() == 0, first.output
    await world.execute("DROP TRIGGER things_audit ON things; " + change)

    worker = world.worker("--burst", **PATIENT)

    assert await worker.wait() == 9, worker.output
    assert await world.state() == "paused"
    events = await world.fetch("SELECT reason FROM backfill_events WHERE event = 'job.paused'")
    assert len(events) == 1
    assert reason in events[0]["reason"]
    assert worker.output.count("Paused job") == 1
    assert await world.partitions() == {"completed": 1, "pending": 5}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions WHERE state = 'pending'") == 0
    await world.ends_well(states=["paused"])


@pytest.mark.parametrize("inputs", ["SELECT 1 AS id", "SELECT id AS other FROM things WHERE id = ANY($1)", "SELEC"])
async def test_a_definition_whose_query_cannot_run_pauses_the_job_instead_of_burning_it(
    world: World, inputs: str
) -> None:
    world.definition = "Configured"
    await world.rows(20)
    await world.queue("--mode=all", "--batch-size=10")

    worker = world.worker("--burst", TEST_INPUTS=inputs, BACKFILL_ON_CHANGED_DEFINITION="warn")

    assert await worker.wait() == 9, worker.output
    assert await world.state() == "paused"
    assert worker.output.count("Paused job") == 1
    assert await world.partitions() == {"pending": 2}
    await world.ends_well(states=["paused"])


async def test_a_hundred_bad_records_in_one_partition_do_not_stop_heartbeats(world: World) -> None:
    world.definition = "Poison"
    await world.rows(400, base=f"CASE WHEN id % 4 = 0 THEN {Poison.REFUSED} ELSE 0 END")
    await world.queue("--mode=null", "--batch-size=400")

    await world.finish(BACKFILL_LEASE_SECONDS="6")

    assert await world.value("SELECT count(*) FROM backfill_failures") == 100
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    await world.ends_well()
