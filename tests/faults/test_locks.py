"""The application locks rows and tables: that is waited for, is no attempt, and the application hardly notices."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.support.made_up import Made, queued, verdict, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

MADE = "tests.support.made_up:Made"
GATE = 4711
LOCKED_MS = 300  # the promise: rows of several records are locked for no longer
LOCK_TIMEOUT = {"BACKFILL_LOCK_TIMEOUT_MS": "300"}
SHORT_DELAYS = {"BACKFILL_RETRY_DELAYS": "0.05,0.05,0.05,0.05,0.05"} | LOCK_TIMEOUT


def ones(**parts: Any) -> Made:
    return Made(lambda _: {"value": 1}, table="things", **parts)


@asynccontextmanager
async def holding(world: World, statement: str, *arguments: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """An open transaction of the application in which it has done that; over when the block is."""
    async with world.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute(statement, *arguments)
        yield session
        await transaction.rollback()


async def held(world: World, why: str = "") -> Any:
    return await world.value(
        "SELECT min(held_reason) FROM backfill_partitions WHERE held_since IS NOT NULL AND held_reason LIKE $1",
        f"%{why}%",
    )


def says_who_holds(said: list[str], lock: str) -> bool:
    return any("is held" in line and lock in line and "application application" in line for line in said)


async def no_attempt_was_counted(world: World) -> None:
    """Each partition ended at its first attempt, and no longer says what it waited for."""
    rows = await world.fetch("SELECT attempt_count, held_since FROM backfill_partitions")
    assert {tuple(row) for row in rows} == {(1, None)}


@pytest.mark.parametrize(
    "lock",
    [
        "LOCK TABLE things",
        "ALTER TABLE things ADD COLUMN more text",
        "LOCK TABLE things IN SHARE MODE",
        "LOCK TABLE audit",
    ],
)
async def test_a_locked_table_is_waited_for_without_an_attempt_and_the_work_goes_on_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, lock: str
) -> None:
    """The claims that waited for the table itself go on: nothing has to be claimed again."""
    monkeypatch.setattr("backfill.workers.holding.KEPT_FOR_A_TABLE", 600.0)  # however late a busy machine is
    world.definition = MADE
    await world.rows(60)
    await queued(world, ones(), batch_size=10)
    async with working(world, ones(), concurrency=2, **SHORT_DELAYS) as said:
        async with holding(world, lock):
            await eventually(lambda: held(world, lock), what="somebody who is named in the ledger")
            # Longer than all retries together would take.
            began = time.monotonic()
            await eventually(lambda: time.monotonic() - began > 2)
            # Of records it is said when their claim is given back, which may take longer.
            await eventually(lambda: says_who_holds(said, lock), what="a line that names him")
            assert await world.value("SELECT count(*) FROM backfill_failures") == 0
            kept = await world.fetch("SELECT id, fence FROM backfill_partitions WHERE held_since IS NOT NULL")
        await world.until_ended()
        if lock != "LOCK TABLE audit":  # for which a trigger waits: that holds up records
            for partition, fence in kept:
                assert await world.value("SELECT fence FROM backfill_partitions WHERE id = $1", partition) == fence

    assert (await verdict(world)).counts == {"updated": 60}
    await no_attempt_was_counted(world)
    lines = [line for line in said if "is held" in line]
    assert len(lines) == len(set(lines))
    assert any(line.endswith("goes on.") for line in said)
    await world.ends_well()


async def test_a_claim_that_waits_for_a_table_is_given_back_so_that_other_backfills_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill.workers.holding.KEPT_FOR_A_TABLE", 0.3)
    world.definition = MADE
    await world.rows(20)
    await queued(world, ones(), batch_size=10)
    async with working(world, ones(), **LOCK_TIMEOUT):
        async with holding(world, "LOCK TABLE things"):
            given_back = (
                "SELECT EXISTS (SELECT FROM backfill_partitions WHERE state = 'pending' AND attempt_count = 0 "
                "AND held_since IS NOT NULL AND not_before IS NOT NULL)"
            )
            await eventually(lambda: world.value(given_back))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 20}
    await no_attempt_was_counted(world)
    await world.ends_well()


async def test_while_a_row_is_held_for_long_its_neighbours_are_done_and_it_comes_alone_afterwards(
    world: World,
) -> None:
    world.definition = MADE
    await world.rows(500)
    await queued(world, ones())
    async with working(world, ones(), **SHORT_DELAYS) as said:
        async with holding(world, "SELECT FROM things WHERE id = 7 FOR UPDATE"):
            await eventually(lambda: world.value("SELECT count(*) = 499 FROM things WHERE value = 1"))
            await eventually(lambda: held(world, "id = 7 FOR UPDATE"), what="the holder of the row")
            await eventually(lambda: world.value("SELECT state = 'pending' FROM backfill_partitions"))
            assert await world.value("SELECT remaining_ids FROM backfill_partitions") == ["7"]
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 500}
    await no_attempt_was_counted(world)
    # Once, and by name; a machine that stood still while it was asked who that is may have said it without before.
    names = ["id = 7 FOR UPDATE" in line for line in said if "is held" in line]
    assert names in ([True], [False, True]), said
    await world.ends_well()


async def test_a_row_that_is_held_at_the_last_attempt_is_waited_for_all_the_same(world: World) -> None:
    world.definition = MADE
    await world.rows(10)
    await queued(world, ones())
    await world.execute("UPDATE backfill_partitions SET attempt_count = 5")
    async with working(world, ones(), **SHORT_DELAYS):
        async with holding(world, "SELECT FROM things WHERE id = 7 FOR UPDATE"):
            await eventually(lambda: world.value("SELECT held_since IS NOT NULL FROM backfill_partitions"))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 10}
    await world.ends_well()


@pytest.mark.parametrize("when", ["NEW.id = 7", "NEW.id % 2 = 0"])
async def test_a_lock_that_a_trigger_waits_for_holds_up_its_records_alone_and_is_no_attempt(
    world: World, when: str
) -> None:
    world.definition = MADE
    await world.rows(100)
    await world.execute(
        "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW; END $$; "
        f"CREATE TRIGGER waits BEFORE UPDATE ON things FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION waits()"
    )
    free = await world.value("SELECT count(*) FROM things AS new WHERE NOT " + when)
    await queued(world, ones())
    async with working(world, ones(), **SHORT_DELAYS):
        async with holding(world, f"SELECT pg_advisory_xact_lock({GATE})"):
            await eventually(lambda: world.value("SELECT count(*) = $1 FROM things WHERE value = 1", free))
            await eventually(lambda: held(world))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 100}
    await no_attempt_was_counted(world)
    await world.ends_well()


async def test_a_lock_that_inputs_wait_for_holds_up_its_records_alone_and_is_no_attempt(world: World) -> None:
    world.definition = MADE
    await world.rows(40)
    await world.execute(
        "CREATE FUNCTION waits(id bigint) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN "
        f"IF id = 7 THEN PERFORM pg_advisory_xact_lock({GATE}); END IF; RETURN 1; END $$"
    )
    made = ones(inputs="SELECT id, waits(id) FROM things WHERE id = ANY($1)")
    await queued(world, made)
    async with working(world, made, **SHORT_DELAYS):
        async with holding(world, f"SELECT pg_advisory_xact_lock({GATE})"):
            await eventually(lambda: world.value("SELECT count(*) = 39 FROM things WHERE value = 1"))
            await eventually(lambda: held(world, "wait"))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 40}
    await no_attempt_was_counted(world)
    await world.ends_well()


async def slow_trigger(world: World, each_ms: float, trigger: str) -> None:
    """Each update of a value takes at least that long; the audit says in which transaction it was."""
    await world.execute(
        "ALTER TABLE audit ADD transaction xid8 DEFAULT pg_current_xact_id(); "
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"PERFORM pg_sleep({each_ms / 1_000}); RETURN NEW; END $$; "
        f"CREATE {trigger} FOR EACH ROW EXECUTE FUNCTION slow()"
    )


async def no_transaction_locked_more(world: World, records: float) -> None:
    """A row is locked for what its transaction has to do: a count of rows, which no busy machine makes larger."""
    most = await world.value(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM audit WHERE who LIKE 'worker %' GROUP BY transaction) AS t"
    )
    assert most <= records


async def test_a_large_batch_under_a_slow_trigger_keeps_no_row_locked_for_long(world: World) -> None:
    """All in one transaction would be seconds; the application asks for one row after the other meanwhile."""
    world.definition = MADE
    await world.rows(1_500)
    await slow_trigger(world, 0.5, "TRIGGER slow BEFORE UPDATE OF value ON things")
    await queued(world, ones(), batch_size=1_500)
    async with world.session() as session, working(world, ones()):
        while await world.value("SELECT completed_at IS NULL FROM backfill_jobs"):
            await session.execute("UPDATE things SET extra = 'x' WHERE id = 1 + floor(random() * 1500)")

    await no_transaction_locked_more(world, LOCKED_MS / 0.5)
    assert (await verdict(world)).counts == {"updated": 1_500}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    await world.ends_well()


@pytest.mark.timeout(400)
async def test_eighty_sessions_on_the_rows_of_a_partition_hardly_wait_for_its_apply(world: World) -> None:
    """Each has rows of its own, so that they wait for nobody but the backfill, and one has a table of its own.

    What that one waits is the machine's doing. The transaction of an apply has some statements.
    """
    sessions, records = 80, 480
    world.definition = MADE
    await world.rows(records)
    await world.execute("CREATE TABLE beside AS SELECT * FROM things")
    waits: list[float] = []
    beside: list[float] = []
    ended = asyncio.Event()

    async def update(connection: "asyncpg.Connection[Any]", table: str, one: int) -> float:
        began = time.monotonic()
        await connection.execute(f"UPDATE {table} SET extra = 'x' WHERE id = $1", one)
        return time.monotonic() - began

    async def work(connection: "asyncpg.Connection[Any]", number: int) -> None:
        own = list(range(1 + number, records + 1, sessions))
        while not ended.is_set():
            random.shuffle(own)
            async with connection.transaction():
                for one in own[:2]:
                    waits.append(await update(connection, "things", one))
                    await asyncio.sleep(random.uniform(0.05, 0.2))

    async def work_beside(connection: "asyncpg.Connection[Any]") -> None:
        while not ended.is_set():
            beside.append(await update(connection, "beside", random.randint(1, records)))

    connections = [await asyncpg.connect(world.database, timeout=20) for _ in range(sessions)]
    try:
        async with world.session() as session, asyncio.TaskGroup() as tasks:
            for number, connection in enumerate(connections):
                tasks.create_task(work(connection, number))
            tasks.create_task(work_beside(session))
            await queued(world, ones(), batch_size=records)
            async with working(world, ones()):
                done = "SELECT count(*) > 0.9 * $1::integer FROM things WHERE value = 1"
                await eventually(lambda: world.value(done, records), deadline=120)
                ended.set()
                await world.until_ended()
    finally:
        for connection in connections:
            await connection.close()

    print(f"longest waits of {len(waits):,}: {[round(wait, 3) for wait in sorted(waits)[-5:]]}")
    print(f"beside: {[round(wait, 3) for wait in sorted(beside)[-5:]]} of {len(beside):,}")
    assert max(waits) < 0.5 + 5 * max(beside)
    assert (await verdict(world)).counts == {"updated": records}
    await world.ends_well()


async def test_what_is_deferred_to_the_commit_keeps_no_row_locked_for_long(world: World) -> None:
    world.definition = MADE
    await world.rows(600)
    deferred = "CONSTRAINT TRIGGER slow AFTER UPDATE OF value ON things DEFERRABLE INITIALLY DEFERRED"
    await slow_trigger(world, 1, deferred)
    await queued(world, ones(), batch_size=600)
    async with world.session() as session, working(world, ones()):
        while await world.value("SELECT completed_at IS NULL FROM backfill_jobs"):
            await session.execute("UPDATE things SET extra = 'x' WHERE id = 1 + floor(random() * 600)")

    await no_transaction_locked_more(world, LOCKED_MS / 1)
    assert (await verdict(world)).counts == {"updated": 600}
    await world.ends_well()
