"""The table changes under a job: a worker goes on with what it is now, or pauses the job and says what is missing."""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.support import made_up
from tests.support.made_up import Made, Verdict, verdict, worked
from tests.support.operating import done
from tests.support.world import World

pytestmark = pytest.mark.long

RECORDS = 40


@pytest.fixture
async def world(world: World) -> World:
    world.definition = "tests.support.made_up:Made"
    return world


async def changed(
    world: World,
    ddl: str,
    compute: Callable[[Mapping[str, Any]], Any],
    *,
    kind: str = "integer",
    more: str = "",
    stored: str = "NULL",
    **parts: Any,
) -> Verdict:
    """What becomes of four partitions when the table changes between the reading and the writing of the second."""
    await made_up.box(world, kind, range(1, RECORDS + 1), more=more, stored=stored)
    loads = 0

    async def load(connection: Any, keys: Sequence[Any]) -> Any:
        nonlocal loads
        loads += 1
        if loads == 2:
            await world.execute(ddl)
        return await connection.fetch("SELECT * FROM box WHERE id = ANY($1)", keys)

    definition = Made(compute, load=load, **parts)
    await made_up.queued(world, definition, batch_size=10)
    return await verdict(world, await worked(world, definition))


def by(first: Any, then: Any) -> Callable[[Mapping[str, Any]], Any]:
    """A value that fits what the column is at first, and one that fits what it becomes."""
    return lambda record: {"value": first if record["id"] <= 10 else then}


@pytest.mark.parametrize(
    ("kind", "becomes", "first", "then"),
    [
        ("integer", "bigint", 1, 10**10),
        ("integer", "text", 1, "many"),
        ("integer", "jsonb USING to_jsonb(value)", 1, {"a": 1}),
        ("numeric(12,2)", "numeric(14,4)", Decimal("1.11"), Decimal("1.1234")),
        ("numeric(12,2)", "numeric", Decimal("1.11"), Decimal("1.1234")),
        ("varchar(5)", "varchar(10)", "short", "not so lo"),
        ("varchar(5)", "text", "short", "not so short"),
        ("bigint", "integer", 10**10, 1),
    ],
)
@pytest.mark.parametrize("version", [(), ("other",)])
async def test_a_column_of_another_type_is_written_as_what_it_is_now(
    world: World, kind: str, becomes: str, first: Any, then: Any, version: tuple[str, ...]
) -> None:
    name = becomes.split(" ")[0]
    ddl = f"ALTER TABLE box ALTER COLUMN value TYPE {becomes}"
    if kind == "bigint":  # what was written before would not fit
        ddl = "UPDATE box SET value = 7 WHERE value IS NOT NULL; " + ddl
    ended = await changed(world, ddl, by(first, then), kind=kind, more="other integer DEFAULT 1", version=version)

    assert (ended.state, ended.failed) == ("completed", {}), ended
    assert ended.counts == {"updated": RECORDS}
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions") == 1
    (stored,) = await world.fetch("SELECT value::text, count(*) AS n FROM box WHERE id > 10 GROUP BY 1")
    (expected,) = await world.fetch(f"SELECT '{_literal(then)}'::{name}::text AS value")
    assert tuple(stored) == (expected["value"], RECORDS - 10)


def _literal(value: Any) -> str:
    return str(value).replace("'", '"')


async def test_what_differs_is_seen_with_the_digits_that_the_column_has_now(world: World) -> None:
    ddl = "ALTER TABLE box ALTER COLUMN value TYPE numeric(14,4)"
    ended = await changed(world, ddl, lambda _: {"value": Decimal("1.1234")}, kind="numeric(12,2)", stored="1.12")
    assert ended.counts == {"unchanged": 10, "updated": RECORDS - 10}
    rows = await world.fetch("SELECT value, count(*) FROM box GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in rows] == [(Decimal("1.1200"), 10), (Decimal("1.1234"), RECORDS - 10)]


@pytest.mark.parametrize(
    ("kind", "becomes", "first", "then"),
    [("integer", "jsonb USING to_jsonb(value)", 1, {"a": 1}), ("json", "integer USING 7", {"a": 1}, 1)],
)
async def test_a_value_of_the_type_that_the_column_had_is_computed_again_for_the_one_it_has(
    world: World, kind: str, becomes: str, first: Any, then: Any
) -> None:
    """The first two partitions are computed as numbers, the second of them in vain."""
    calls = 0

    def compute(record: Mapping[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        return {"value": first if calls <= 20 else then}

    ended = await changed(world, f"ALTER TABLE box ALTER COLUMN value TYPE {becomes}", compute, kind=kind)
    assert (ended.state, ended.failed, ended.counts) == ("completed", {}, {"updated": RECORDS})
    assert await world.value("SELECT count(*) FROM box WHERE value::text = $1", json.dumps(then)) == RECORDS - 10


async def test_a_column_that_was_dropped_and_added_again_as_another_is_filled(world: World) -> None:
    """Those that were done before are done again: they are empty."""
    calls = 0

    def compute(record: Mapping[str, Any]) -> Any:
        nonlocal calls
        calls += 1
        return {"value": 1 if calls <= 10 else "many"}

    ended = await changed(world, "ALTER TABLE box DROP COLUMN value; ALTER TABLE box ADD COLUMN value text", compute)
    assert (ended.state, ended.failed) == ("completed", {})
    assert await world.value("SELECT count(*) FROM box WHERE value = 'many'") == RECORDS


async def test_a_key_of_another_type_is_found_again(world: World) -> None:
    ended = await changed(world, "ALTER TABLE box ALTER COLUMN id TYPE numeric", by(1, 2))
    assert (ended.state, ended.counts) == ("completed", {"updated": RECORDS})


@pytest.mark.parametrize(
    ("ddl", "reason"),
    [
        (
            "ALTER TABLE box DROP COLUMN value",
            "SchemaError: table 'box' has no column 'value' (Made); it has: id, other",
        ),
        ("ALTER TABLE box RENAME TO crate", "SchemaError: table 'box' of Made does not exist; create it"),
        (
            "ALTER TABLE box DROP COLUMN value, ADD COLUMN value integer GENERATED ALWAYS AS (id) STORED",
            "SchemaError: column 'value' of 'box' is generated; PostgreSQL fills it by itself",
        ),
        (
            "ALTER TABLE box ALTER COLUMN value TYPE regclass USING value::oid::regclass",
            "SchemaError: column 'value' of 'box' is regclass, which a backfill cannot write",
        ),
    ],
)
async def test_what_cannot_go_on_is_paused_with_what_is_missing(world: World, ddl: str, reason: str) -> None:
    ended = await changed(world, ddl, by(1, 2), more="other integer")

    assert ended.state == "paused", ended
    assert reason in ended.paused
    assert reason in (await done(world, "status")).out
    assert await world.value("SELECT count(*) FROM backfill_failures") == 0
    assert await world.value("SELECT max(attempt_count) FROM backfill_partitions WHERE state = 'pending'") == 0
