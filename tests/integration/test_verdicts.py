"""`completed` means that nothing is left, or says what: records that others undo are done again, whoever had them."""

from collections import Counter
from typing import Any

import pytest

from backfill import catalog
from backfill.ledger import jobs, planning, spans
from backfill.modes import Mode
from tests.support.keyed import Keyed, Table
from tests.support.operating import done
from tests.support.world import World

pytestmark = pytest.mark.long

# Columns, and what they are made of.
KEYS = {
    "id": ("id integer", "n"),
    "code": ("code text", "'k' || lpad(n::text, 3, '0')"),
    "order_id,line_no": ("order_id integer, line_no text", "n / 10, 'a,\"' || n % 10"),
}
DROPPED = "ALTER TABLE keyed DROP COLUMN value; ALTER TABLE keyed ADD COLUMN value integer"
REFILLED = (
    "CREATE TABLE kept AS SELECT * FROM keyed; TRUNCATE keyed; UPDATE kept SET value = NULL;"
    "INSERT INTO keyed SELECT * FROM kept"
)


async def made(world: World, key: str, rows: int, stays: str = "NULL") -> Table:
    """A table of so many rows, numbered from 0."""
    columns, of_number = KEYS[key]
    table = Table(world, key=key)
    await table.create(columns)
    await world.execute(
        f"INSERT INTO keyed ({key}, stays) SELECT {of_number}, {stays} FROM generate_series(0, {rows - 1}) n"
    )
    return table


async def worked(table: Table, undo: str) -> str:
    """Let a worker do the job, and undo what it did when all partitions have ended; what it printed."""
    await table.world.execute(
        f"CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {undo}; RETURN NULL; END $$;"
        "CREATE OR REPLACE TRIGGER undo AFTER UPDATE ON backfill_jobs FOR EACH ROW"
        " WHEN (OLD.sweep = 0 AND NEW.sweep = 1) EXECUTE FUNCTION undo()"
    )
    return await table.work()


async def verdict(world: World) -> dict[str, Any]:
    """What `status` says in JSON."""
    shown = (await done(world, "status", "--json")).json
    assert shown["done"] == shown["matched"]
    names = ("state", "matched", "replanned", "records_left", "left_reasons")
    return {name: shown[name] for name in names}


def completed(matched: int, replanned: int, **reasons: int) -> dict[str, Any]:
    """The verdict that is expected."""
    left = sum(reasons.values())
    names = ("state", "matched", "replanned", "records_left", "left_reasons")
    return dict(zip(names, ("completed", matched, replanned, left, reasons), strict=True))


@pytest.mark.parametrize(
    ("key", "order", "undo", "count"),
    [
        ("id", "asc", DROPPED, 100),
        ("id", "desc", REFILLED, 100),
        ("id", "asc", "UPDATE keyed SET value = NULL WHERE id = 77", 1),
        ("code", "desc", "UPDATE keyed SET value = NULL WHERE code BETWEEN 'k020' AND 'k077'", 58),
        ("order_id,line_no", "asc", REFILLED, 100),
        ("order_id,line_no", "desc", "UPDATE keyed SET value = NULL WHERE order_id = 7", 10),
    ],
)
async def test_what_is_undone_is_done_again(world: World, key: str, order: str, undo: str, count: int) -> None:
    table = await made(world, key, 100)
    await table.queue("--batch-size=30", f"--order={order}")
    printed = await worked(table, undo)
    assert await table.values() == {1: 100}
    assert await verdict(world) == completed(100 + count, count)
    assert f"{count} records match again, undone by others; queued." in printed
    assert f"Planned again: {count} records" in (await done(world, "wait")).out


async def test_a_job_of_one_record_is_looked_at_again(world: World) -> None:
    table = await made(world, "id", 1)
    await table.queue()
    await worked(table, DROPPED)
    assert await verdict(world) == completed(2, 1)


async def test_what_a_definition_leaves_is_told_from_what_is_undone(world: World) -> None:
    # In the partitions that are undone too.
    table = await made(world, "id", 100, "CASE WHEN n % 10 = 5 THEN 'fails' WHEN n % 3 = 0 THEN 'yes' END")
    await table.queue("--batch-size=10")
    printed = await worked(table, "UPDATE keyed SET value = NULL WHERE id IN (1, 2, 4)")
    assert await table.values() == {1: 59, None: 41}
    assert await verdict(world) == completed(103, 3, failed=10, skipped=31)
    said = "41 records still match: 10 failed, 31 left as they are by the definition or a trigger"
    job = await table.job()
    assert f"Job {job['id']} completed. {said}." in printed
    assert f"Left: {said}" in (await done(world, "status")).out
    events = (await done(world, "events", "--json")).json["events"]
    assert events[-1]["details"] == {"records_left": 41, "left_reasons": {"failed": 10, "skipped": 31}}


@pytest.mark.parametrize(
    ("when", "does", "replanned", "reasons"),
    [
        # Kept from being written, or written with what the mode selects.
        ("BEFORE", "RETURN NULL", 0, {"skipped": 7}),
        ("BEFORE", "NEW.value := NULL; NEW.stays := 'seen'; RETURN NEW", 0, {"skipped": 7}),
        # What undoes each write behind it is bounded: two sweeps plan, the third counts.
        ("AFTER", "UPDATE keyed SET value = NULL WHERE id = NEW.id; RETURN NULL", 14, {"written": 7}),
    ],
)
async def test_what_triggers_leave_is_said(
    world: World, when: str, does: str, replanned: int, reasons: dict[str, int]
) -> None:
    table = await made(world, "id", 20)
    await world.execute(
        f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {does}; END $$;"
        f"CREATE TRIGGER spoil {when} UPDATE OF value ON keyed FOR EACH ROW"
        " WHEN (OLD.id < 7 AND NEW.value IS NOT NULL) EXECUTE FUNCTION spoil()"
    )
    await table.queue("--batch-size=10")
    await table.work()
    assert await table.values() == {1: 13, None: 7}
    assert await verdict(world) == completed(20 + replanned, replanned, **reasons)


@pytest.mark.parametrize("mode", ["null", "zero"])
async def test_a_value_that_the_mode_selects_is_what_the_definition_leaves(world: World, mode: str) -> None:
    world.definition = "Leaving"
    await world.rows(20, value=None if mode == "null" else 0, base="id % 4")
    await world.queue(f"--mode={mode}", "--batch-size=10")
    await world.finish("--burst")
    assert await verdict(world) == completed(20, 0, skipped=5)
    await world.ends_well()


async def test_a_limited_job_looks_only_where_it_planned(world: World) -> None:
    table = await made(world, "id", 100)
    await table.queue("--batch-size=30", "--limit=70")
    await worked(table, "UPDATE keyed SET value = NULL WHERE id < 7")
    assert await table.values() == {1: 70, None: 30}
    assert await verdict(world) == completed(77, 7)


async def test_records_by_id_are_looked_at_again_and_no_others(world: World) -> None:
    table = await made(world, "id", 100)
    await table.queue("--batch-size=2", *(f"--id={n}" for n in (90, 5, 7, 80)))
    await worked(table, "UPDATE keyed SET value = NULL WHERE id > 6")
    assert await table.values() == {1: 4, None: 96}
    assert await verdict(world) == completed(7, 3)


async def test_a_retry_looks_at_its_records_again_and_no_others(world: World) -> None:
    table = await made(world, "id", 40, "CASE WHEN n % 2 = 0 THEN 'fails' END")
    await table.queue("--batch-size=10")
    await table.work()
    await world.execute("UPDATE keyed SET stays = NULL WHERE id <> 8; UPDATE keyed SET value = NULL WHERE id = 1")
    await done(world, "retry", "latest")
    await worked(table, "UPDATE keyed SET value = NULL WHERE id < 7")
    assert await table.values() == {1: 36, None: 4}  # 8, and those of the first job: 1, 3 and 5
    assert await verdict(world) == completed(24, 4, failed=1)


async def test_mode_all_does_again_what_lost_its_value_and_leaves_new_records(world: World) -> None:
    table = await made(world, "id", 100, "CASE WHEN n = 3 THEN 'yes' END")
    await table.queue("--batch-size=30", "--mode=all")
    await worked(
        table,
        "UPDATE keyed SET value = NULL WHERE id < 7; DELETE FROM keyed WHERE id = 50; INSERT INTO keyed VALUES (-1)",
    )
    assert await table.values() == {1: 98, None: 2}
    assert await verdict(world) == completed(106, 6, skipped=1)


async def test_partitions_of_older_programs_are_done_once_more_where_they_match(world: World) -> None:
    """They do not say what they left."""
    table = await made(world, "id", 20, "CASE WHEN n < 5 THEN 'yes' END")
    await table.queue("--batch-size=10")
    await worked(table, "UPDATE backfill_partitions SET left_ids = NULL")
    assert await verdict(world) == completed(25, 5, skipped=5)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("key", KEYS)
async def test_each_span_finds_what_earlier_sweeps_had_in_it(world: World, key: str, order: str) -> None:
    """Of their partitions it looks only into those that lie in it."""
    await made(world, key, 100)
    names = tuple(key.split(","))

    class Spanned(Keyed):
        pass

    Spanned.key = names if len(names) > 1 else key
    await world.execute("SELECT set_config('app.current_tenant', 'default', false)")
    opened = await world.value(
        "INSERT INTO backfill_jobs (asset_name, mode, batch_size, sort_order, definition_hash)"
        " VALUES ('keyed', 'null', 7, $1, 'x') RETURNING id",
        order,
    )
    job = await jobs.read(world.connection, opened)
    target = await catalog.resolve(world.connection, Spanned(), Mode.NULL)
    bounds = spans.between(order, *await spans.key_bounds(world.connection, target), None)
    # Nothing was in a partition, and now all is in those of the first sweep.
    page = await planning.read(world.connection, target, job, bounds, rows=200, most=200, next_number=1, sweep=1)
    assert page is not None
    assert (page.met, len(page.partitions)) == ({"missed": 100}, 15)
    await world.execute("UPDATE backfill_partitions SET left_ids = record_ids[1:1] WHERE record_count = 7")
    met: Counter[str] = Counter()
    while page := await planning.read(
        world.connection, target, job, bounds, rows=9, most=9, next_number=16, sweep=2, may_plan=False
    ):
        met.update(page.met)
        bounds = spans.Bounds(page.edge, bounds.last, False)
    assert met == {"skipped": 14, "again": 86}
