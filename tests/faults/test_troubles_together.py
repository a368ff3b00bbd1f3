"""Two things go wrong at once, each of which is outlived alone: no record is lost, doubled or failed for it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from backfill import TransientError
from backfill.ledger import operations
from backfill.modes import Mode
from backfill.workers.applying.committing import Committing
from backfill.workers.applying.portion import Portion
from backfill.workers.applying.writing import Writing
from backfill.workers.computing.halving import Halving
from tests.support.made_up import Made, backfilled, queued, verdict, worked, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

MADE = "tests.support.made_up:Made"
SHORT_DELAYS: dict[str, Any] = {
    "BACKFILL_RETRY_DELAYS": "0.05,0.05,0.05,0.05,0.05",
    "BACKFILL_LOCK_TIMEOUT_MS": "300",
    "BACKFILL_LEASE_SECONDS": "60",  # one that is lost is an attempt
}


def one(record: Mapping[str, Any]) -> Mapping[str, Any]:
    del record
    return {"value": 1}


def all_but_the_first(record: Mapping[str, Any]) -> Mapping[str, Any]:
    if record["id"] == 1:
        raise TransientError("not now")
    return {"value": 1}


@pytest.fixture
async def world(world: World) -> World:
    world.definition = MADE
    return world


async def test_what_was_put_off_to_the_end_fails_once_while_its_neighbour_is_held(world: World) -> None:
    await world.rows(4)
    definition = Made(all_but_the_first, table="things")
    await queued(world, definition)
    await world.execute("UPDATE backfill_partitions SET attempt_count = 5")
    async with working(world, definition, **SHORT_DELAYS):
        async with world.session() as session, session.transaction():
            await session.execute("SELECT FROM things WHERE id = 3 FOR UPDATE")
            await eventually(lambda: world.value("SELECT remaining_ids = '{3}' FROM backfill_partitions"))
            assert await world.value("SELECT records_failed FROM backfill_partitions") == 1
        await world.until_ended()

    ended = await verdict(world)
    assert (ended.counts, list(ended.failed)) == ({"updated": 3, "failed": 1}, ["1"])
    await world.ends_well()


async def test_slots_that_meet_a_changed_table_together_all_go_on(world: World) -> None:
    await world.execute("CREATE TABLE box (id bigint PRIMARY KEY, value integer)")
    await world.execute("INSERT INTO box SELECT generate_series(1, 40)")
    loads, together = 0, asyncio.Event()

    async def load(connection: Any, keys: Sequence[Any]) -> Any:
        del connection
        nonlocal loads
        loads += 1
        is_early = loads <= 3
        if loads == 3:
            await world.execute("ALTER TABLE box ALTER COLUMN value TYPE text")
            together.set()
        if is_early:
            await together.wait()
        return [{"id": key, "is_early": is_early} for key in keys]

    definition = Made(lambda record: {"value": 1 if record["is_early"] else "many"}, load=load)
    await queued(world, definition, batch_size=10)
    said = await worked(world, definition, concurrency=3)

    ended = await verdict(world, said)
    assert (ended.state, ended.paused, ended.failed) == ("completed", "", {}), ended
    assert await world.value("SELECT count(*) FROM box WHERE value = 'many'") == 40
    world.checked = True  # by what is in the table, which has no audit


async def test_a_column_cannot_go_while_a_bad_record_is_looked_for_and_is_nobodys_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.rows(8)
    await world.execute("ALTER TABLE things ADD CHECK (value <> 3)")
    definition = Made(lambda record: {"value": record["id"]}, table="things")
    await queued(world, definition)
    tried, refused = Writing._try, 0

    async def racing(writing: Writing, *arguments: Any) -> Any:
        nonlocal refused
        drop = "SET lock_timeout = '20ms'; ALTER TABLE things DROP COLUMN value CASCADE"
        try:
            await world.execute(drop)
        except asyncpg.LockNotAvailableError:
            refused += 1
        return await tried(writing, *arguments)

    monkeypatch.setattr(Writing, "_try", racing)
    await worked(world, definition)

    ended = await verdict(world)
    assert (ended.counts, list(ended.failed)) == ({"updated": 7, "failed": 1}, ["3"])
    assert refused > 3
    await world.ends_well()


async def test_what_was_computed_from_a_column_that_was_dropped_is_not_written_into_the_one_that_was_added(
    world: World,
) -> None:
    await world.rows(3)
    await world.execute("UPDATE things SET value = 10")
    again = "ALTER TABLE things DROP COLUMN value CASCADE; ALTER TABLE things ADD COLUMN value bigint"
    loads = 0

    async def load(connection: Any, keys: Sequence[Any]) -> Any:
        nonlocal loads
        loads += 1
        found = await connection.fetch("SELECT id, value FROM things WHERE id = ANY($1)", keys)
        if loads == 1:
            await world.execute(again)
        return found

    definition = Made(lambda record: {"value": (record["value"] or 0) + 1}, table="things", load=load)
    await queued(world, definition)
    await worked(world, definition)

    assert await world.value("SELECT array_agg(value) FROM things") == [1, 1, 1]
    assert (loads, (await verdict(world)).counts) == (2, {"updated": 3})
    world.checked = True  # the audit of a column that was dropped


async def test_a_column_that_was_away_for_a_moment_is_not_the_failure_of_a_record_that_is_read_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.rows(1)
    await world.execute("CREATE TABLE prices (id bigint, price integer)")
    await world.execute("INSERT INTO prices VALUES (1, 7)")
    inputs = "SELECT id, price FROM prices WHERE id = ANY($1)"
    definition = Made(lambda record: {"value": record["price"]}, table="things", inputs=inputs)
    await queued(world, definition)
    await world.execute("ALTER TABLE prices RENAME price TO gone")
    asked = Halving._fails_for_nothing

    async def back_again(call: Any) -> bool:
        await world.execute("ALTER TABLE prices RENAME gone TO price")
        return await asked(call)

    monkeypatch.setattr(Halving, "_fails_for_nothing", staticmethod(back_again))
    await worked(world, definition)

    assert (await verdict(world)).counts == {"updated": 1}
    await world.ends_well()


async def test_a_claim_is_kept_when_a_table_is_locked_between_the_pieces_of_a_last_round(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is put off waits for its next attempt as soon as the rest is written, not for the end of a lease."""
    monkeypatch.setattr("backfill.workers.rounds.Portion", lambda: Portion(10))
    monkeypatch.setattr("backfill.workers.applying.portion.MOST", 10)
    tries = 0

    def first_at_the_second_attempt(record: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal tries
        tries += record["id"] == 1
        return all_but_the_first(record) if tries == 1 else one(record)

    committed, locked = asyncio.Event(), asyncio.Event()
    run = Committing.run

    async def pausing(*arguments: Any) -> Any:
        ended = await run(*arguments)
        if not committed.is_set():
            committed.set()
            await locked.wait()
        return ended

    monkeypatch.setattr(Committing, "run", pausing)
    await world.rows(30)
    definition = Made(first_at_the_second_attempt, table="things")
    await queued(world, definition)
    async with working(world, definition, **SHORT_DELAYS):
        await committed.wait()
        async with world.session() as session, session.transaction():
            await session.execute("LOCK TABLE things")
            locked.set()
            held = "SELECT held_since IS NOT NULL AND state = 'running' FROM backfill_partitions"
            await eventually(lambda: world.value(held))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 30}
    (row,) = await world.fetch("SELECT attempt_count, interruptions FROM backfill_partitions")
    assert tuple(row) == (2, 0)
    await world.ends_well()


async def test_while_a_row_is_held_a_partition_that_is_tried_in_slices_goes_on_with_the_others(world: World) -> None:
    await world.rows(20)
    definition = Made(one, table="things")
    await queued(world, definition)
    await world.execute("UPDATE backfill_partitions SET interruptions = 10")
    async with working(world, definition, **SHORT_DELAYS):
        async with world.session() as session, session.transaction():
            await session.execute("SELECT FROM things WHERE id IN (1, 20) FOR UPDATE")
            await eventually(lambda: world.value("SELECT remaining_ids <@ '{1, 20}' FROM backfill_partitions"))
        await world.until_ended()

    assert (await verdict(world)).counts == {"updated": 20}
    assert await world.value("SELECT attempt_count FROM backfill_partitions") == 1
    await world.ends_well()


async def test_a_record_that_failed_when_it_was_planned_again_is_retried_once(world: World) -> None:
    await world.rows(4)
    seen: set[int] = set()

    async def load(connection: Any, keys: Sequence[Any]) -> Any:
        if 3 in keys:
            await world.execute("UPDATE things SET value = NULL WHERE id = 2")
        return await connection.fetch("SELECT * FROM things WHERE id = ANY($1)", keys)

    def compute(record: Mapping[str, Any]) -> Mapping[str, Any]:
        if record["id"] == 1 or record["id"] in seen:
            raise ValueError("not this one")
        seen.add(record["id"])
        return {"value": 1}

    ended = await backfilled(world, Made(compute, table="things", load=load), mode=Mode.NULL, batch_size=2)
    assert set(ended.failed) == {"1", "2"}

    retried, records = await operations.retry(world.connection, ended.job_id, actor="test")
    assert records == 2
    planned = await world.value("SELECT record_ids FROM backfill_jobs WHERE id = $1", retried)
    assert planned == ["1", "2"]
    await worked(world, Made(one, table="things"))
    assert (await verdict(world)).counts == {"updated": 2}
    world.checked = True  # the audit has a write for each time that a record was planned, and failed
