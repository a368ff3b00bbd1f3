"""Whatever a table's triggers, locks and neighbours do: one record's trouble is its own, and the counts are true."""

import signal
from collections.abc import Sequence
from typing import Any

import pytest

from backfill.workers.applying.writing import KEPT
from tests.support import made_up
from tests.support.made_up import Made, backfilled, queued, verdict, worked, working
from tests.support.waiting import eventually
from tests.support.world import PATIENT, World

pytestmark = pytest.mark.long

MADE = "tests.support.made_up:Made"
GATE = 4711  # the advisory lock for which a trigger waits


def ones(**parts: Any) -> Made:
    return Made(lambda _: {"value": 1}, table="things", **parts)


async def trigger(world: World, body: str, when: str = "NEW.id = 7") -> None:
    """Let a trigger do that before such a record is updated."""
    await world.execute(
        f"CREATE FUNCTION hostile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$; "
        f"CREATE TRIGGER hostile BEFORE UPDATE ON things FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION hostile()"
    )


@pytest.mark.parametrize(
    "code", ["42501", "42703", "42883", "42P01", "42601", "P0001", "22012", "XX000", "0A000", "54001"]
)
async def test_an_error_that_a_trigger_raises_for_one_record_is_that_record_s(world: World, code: str) -> None:
    world.definition = MADE
    await world.rows(20)
    await trigger(world, f"RAISE EXCEPTION 'no\\x07body' USING ERRCODE = '{code}';".replace("\\x07", "\a"))

    ended = await backfilled(world, ones())

    assert ended.state == "completed"
    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed["7"][1] == "no\\x07body"
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    await world.ends_well()


async def test_a_conflict_that_never_ends_is_retried_for_that_record_alone(world: World) -> None:
    world.definition = MADE
    await world.rows(20)
    await trigger(world, "RAISE EXCEPTION 'always' USING ERRCODE = '40001';")

    await made_up.queued(world, ones())
    async with working(world, ones(), BACKFILL_RETRY_DELAYS="60"):
        await eventually(
            lambda: world.value("SELECT state = 'pending' AND remaining_ids = '{7}' FROM backfill_partitions")
        )
        assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 19
        await world.let_retries_begin()
        await world.until_ended()

    ended = await verdict(world)
    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed == {"7": ("SerializationError", "always")}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


@pytest.mark.parametrize("code", ["40001", "57014"])
async def test_a_conflict_that_inputs_always_meet_fails_that_record_alone_in_the_end(world: World, code: str) -> None:
    world.definition = MADE
    await world.rows(20)
    await world.execute(
        "CREATE FUNCTION meets(id bigint) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
        f"IF id = 7 THEN RAISE EXCEPTION 'always' USING ERRCODE = '{code}'; END IF; RETURN 1; END $$"
    )
    made = ones(inputs="SELECT id, meets(id) FROM things WHERE id = ANY($1)")

    await made_up.queued(world, made)
    async with working(world, made, BACKFILL_RETRY_DELAYS="0.05"):  # --burst need not wait for a retry
        await world.until_ended()

    ended = await verdict(world)
    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed["7"][1] == "always"
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 2
    await world.ends_well()


async def test_a_record_whose_inputs_never_come_is_found_within_the_time_of_a_partition(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill.workers.computing.halving.HALVED_STATEMENT_MS", 100)
    world.definition = MADE
    await world.rows(64)
    await world.execute(
        "CREATE FUNCTION slow(id bigint) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
        "IF id = 7 THEN PERFORM pg_sleep(60); END IF; RETURN 1; END $$"
    )
    made = ones(inputs="SELECT id, slow(id) FROM things WHERE id = ANY($1)")
    quick = {"BACKFILL_STATEMENT_TIMEOUT_MS": "1000", "BACKFILL_PARTITION_SECONDS": "4"}

    await made_up.queued(world, made)
    async with working(world, made, BACKFILL_RETRY_DELAYS="0.05", **quick):
        await world.until_ended()

    ended = await verdict(world)
    assert ended.counts == {"updated": 63, "failed": 1}
    assert ended.failed["7"][0] == "QueryCanceledError"
    await world.ends_well()


async def test_a_lock_for_which_a_trigger_waits_holds_up_that_record_alone(world: World) -> None:
    world.definition = MADE
    await world.rows(20)
    await trigger(world, f"PERFORM pg_advisory_xact_lock({GATE});")
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        await made_up.queued(world, ones())
        async with working(world, ones(), BACKFILL_LOCK_TIMEOUT_MS="50"):
            await eventually(lambda: world.value("SELECT remaining_ids = '{7}' FROM backfill_partitions"))
            assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 19
            await session.execute("SELECT pg_advisory_unlock($1)", GATE)
            await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 20}
    await world.ends_well()


@pytest.mark.timeout(300)
async def test_locks_for_which_triggers_wait_keep_others_rows_locked_for_a_bounded_time(world: World) -> None:
    """Every second record waits for a lock: waiting for each in turn would hold the others' rows for half a minute.

    How many waits there are between two rows of one transaction is counted: no busy machine makes them more.
    """
    world.definition = MADE
    await world.rows(400)
    await trigger(world, f"PERFORM nextval('waits'); PERFORM pg_advisory_xact_lock({GATE});", when="NEW.id % 2 = 0")
    await world.execute(
        "CREATE SEQUENCE waits; "  # what is rolled back is counted too
        "CREATE FUNCTION waits() RETURNS bigint LANGUAGE sql AS 'SELECT last_value FROM waits'; "
        "ALTER TABLE audit ADD transaction xid8 DEFAULT pg_current_xact_id(), ADD waits bigint DEFAULT waits()"
    )
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        await made_up.queued(world, ones())
        async with working(world, ones(), BACKFILL_LOCK_TIMEOUT_MS="50"):
            left = "SELECT cardinality(remaining_ids) = 200 FROM backfill_partitions"
            await eventually(lambda: world.value(left), deadline=120)
            of_each = "SELECT max(waits) - min(waits) AS n FROM audit GROUP BY transaction"
            waited = await world.value(f"SELECT max(n) FROM ({of_each}) AS t")
            print(f"waits of one transaction: {waited}, of all: {await world.value('SELECT waits()')}")
            assert waited < 100
            await session.execute("SELECT pg_advisory_unlock($1)", GATE)
            await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 400}
    await world.ends_well()


async def test_a_record_whose_trigger_never_ends_fails_alone_in_the_end(world: World) -> None:
    world.definition = MADE
    await world.rows(20)
    await trigger(world, "PERFORM pg_sleep(60);")

    await made_up.queued(world, ones())
    async with working(world, ones(), BACKFILL_RETRY_DELAYS="0.05", BACKFILL_STATEMENT_TIMEOUT_MS="1000"):
        await world.until_ended()

    ended = await verdict(world)
    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed["7"][0] == "QueryCanceledError"
    await world.ends_well()


# --- triggers that have their own idea of the value


@pytest.mark.parametrize(
    ("body", "counts", "stored"),
    [
        ("NEW.value := NULL;", {"updated": 19, "skipped": 1}, None),
        ("NEW.value := OLD.value;", {"updated": 19, "skipped": 1}, None),
        ("RETURN NULL;", {"updated": 19, "skipped": 1}, None),
        ("NEW.value := NEW.value + 0.5;", {"updated": 20}, 1.5),
    ],
)
async def test_a_value_counts_as_updated_only_where_the_record_holds_another_one_afterwards(
    world: World, body: str, counts: dict[str, int], stored: Any
) -> None:
    world.definition = MADE
    await world.rows(20)
    # The audit is for values that were written, not for what a trigger took back.
    await world.execute(
        "DROP TRIGGER things_audit ON things; CREATE TRIGGER things_audit AFTER UPDATE ON things FOR EACH ROW "
        "WHEN (OLD.value IS DISTINCT FROM NEW.value) EXECUTE FUNCTION audit_value()"
    )
    await trigger(world, body)

    ended = await backfilled(world, ones())

    assert ended.counts == counts
    assert ended.skipped == ({KEPT: 1} if "skipped" in counts else {})
    assert await world.value("SELECT value FROM things WHERE id = 7") == stored
    await world.ends_well()


# --- keys that Python cannot say


async def test_keys_beyond_what_python_can_say_are_theirs_alone(world: World) -> None:
    await world.execute(
        "CREATE TABLE box (id timestamptz PRIMARY KEY, value integer); "
        "INSERT INTO box (id) VALUES ('2024-01-01'), ('12000-01-01'), ('0044-03-15 BC'), ('infinity'), ('2024-01-02')"
    )

    ended = await backfilled(world, Made(lambda _: {"value": 1}))

    assert ended.state == "completed"
    assert await world.value(
        "SELECT array_agg(value ORDER BY id) FILTER (WHERE id < '2025-01-01' AND id > '0001-01-01') FROM box"
    ) == [1, 1]
    assert set(ended.failed) <= {"12000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC", "infinity"}
    world.checked = True  # a table without an audit


# --- inputs of other tables


async def priced(world: World, definition: str) -> Sequence[Any]:
    """What things hold after the price of one of them changed between its computation and its writing."""
    world.definition = f"tests.support.hostile:{definition}"
    await world.execute("CREATE TABLE prices (id bigint PRIMARY KEY, price numeric)")
    await world.rows(5)
    await world.execute("INSERT INTO prices SELECT id, 100 + id FROM things")
    await world.queue("--mode=all")
    worker = world.worker("--concurrency=1", failpoint="worker.after_compute=stop", **PATIENT)
    await world.until_stopped(worker)
    await world.execute("UPDATE prices SET price = 999 WHERE id = 3; DELETE FROM prices WHERE id = 4")
    worker.kill(signal.SIGCONT)
    await world.until_ended()
    await world.drain(worker)
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    found: Sequence[Any] = await world.value("SELECT array_agg(value ORDER BY id) FROM things")
    return found


async def test_what_was_computed_from_inputs_that_changed_is_computed_again(world: World) -> None:
    assert await priced(world, "PricedAndHeld") == [101, 102, 999, None, 105]
    ended = await verdict(world)
    assert ended.counts == {"updated": 4, "skipped": 1}
    assert ended.skipped == {"no inputs": 1}
    assert await world.value("SELECT array_agg(new) FROM audit WHERE id = 3") == [999]
    await world.ends_well()


async def test_without_a_version_of_its_inputs_a_value_may_be_of_what_they_were(world: World) -> None:
    assert await priced(world, "Priced") == [101, 102, 103, 104, 105]
    await world.ends_well()


async def prices(world: World) -> None:
    """Twenty things, each with two prices."""
    world.definition = MADE
    await world.rows(20)
    await world.execute(
        "CREATE TABLE prices (id bigint, price numeric); "
        "INSERT INTO prices SELECT id, id + n FROM things, generate_series(1, 2) n"
    )


def dearest(**parts: Any) -> Made:
    inputs = "SELECT id, max(price) AS price FROM prices WHERE id = ANY($1) GROUP BY id"
    return Made(lambda row: {"value": row["price"] + 100}, table="things", inputs=inputs, **parts)


async def test_all_rows_of_a_record_together_are_the_version_of_its_inputs(world: World) -> None:
    await prices(world)
    calls = 0

    def compute(record: Any) -> Any:
        nonlocal calls
        calls += 1
        return {"value": record["price"] + 100}

    version = "SELECT id, price FROM prices WHERE id = ANY($1) ORDER BY random()"
    definition = Made(compute, table="things", inputs=dearest().inputs, inputs_version=version)

    assert (await backfilled(world, definition)).counts == {"updated": 20}
    assert calls == 20
    await world.ends_well()


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_version_that_cannot_be_read_is_the_failure_of_that_record(world: World, is_late: bool) -> None:
    """At the first reading, or only at the second one, in the transaction that writes."""
    await prices(world)
    condition = "id = 7"
    if is_late:
        condition += " AND current_setting('backfill.name', true) <> ''"
    version = f"SELECT id, 1 / CASE WHEN {condition} THEN 0 ELSE 1 END AS n FROM prices WHERE id = ANY($1)"

    ended = await backfilled(world, dearest(inputs_version=version))

    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed == {"7": ("DivisionByZeroError", "division by zero")}
    await world.ends_well()


async def test_a_query_of_versions_that_breaks_later_pauses_the_job(world: World) -> None:
    await prices(world)
    definition = dearest(inputs_version="SELECT id, seen FROM prices JOIN looks USING (id) WHERE id = ANY($1)")
    await world.execute("CREATE TABLE looks (id bigint, seen integer)")
    await queued(world, definition)
    await world.execute("ALTER TABLE looks DROP COLUMN seen")
    ended = await verdict(world, await worked(world, definition))
    assert ended.state == "paused"
    assert "UndefinedColumnError" in ended.paused
    await world.ends_well(states=["paused"])
