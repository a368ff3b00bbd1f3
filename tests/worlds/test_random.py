"""Random tables under the same verdict; WORLDS_EXAMPLES=2000 looks longer, and elsewhere each time."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from backfill import ColumnBackfill
from backfill.modes import Mode
from tests.worlds.arena import NAME, Arena
from tests.worlds.random_tables import Table, tables

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("WORLDS_EXAMPLES", "50"))
PHASES = (Phase.explicit, Phase.generate) if "WORLDS_QUICK" in os.environ else tuple(Phase)


@pytest.mark.timeout(180 + 5 * EXAMPLES)
@settings(
    max_examples=EXAMPLES,
    derandomize="WORLDS_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    print_blob=True,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(table=tables())
async def test_a_random_table(ground: Arena, table: Table) -> None:
    async with ground.schema():
        await judge(ground, table)


async def judge(arena: Arena, table: Table) -> None:
    names = [f"k{number}" for number in range(len(table.keys))]
    body = ", ".join(f"{name} {of.name}" for name, of in zip(names, table.keys, strict=True))
    column = table.column
    body += f", n int, v {column.name}, expected {column.name}, PRIMARY KEY ({', '.join(names)})"
    await arena.execute(f"CREATE TABLE w.t ({body})")
    for n, (key, value, has_old) in enumerate(table.rows):
        good = value is None or column.is_good(value)
        literal = column.literal(value) if good and value is not None else "NULL"
        old = literal if has_old else "NULL"
        new = literal if good and (table.mode == "all" or old == "NULL") else old
        await arena.execute(f"INSERT INTO w.t VALUES ({', '.join(key)}, {n}, {old}, {new}) ON CONFLICT DO NOTHING")
    connection = arena.connection
    matching = await connection.fetch(f"SELECT n FROM w.t WHERE {'v IS NULL' if table.mode == 'null' else 'true'}")
    wrong = {
        row["n"] for row in matching if (given := table.rows[row["n"]][1]) is not None and not column.is_good(given)
    }
    verdict = await arena.judge(
        definition(table, names),
        rows=len(matching),
        batch_size=table.batch_size,
        order=table.order,
        mode=Mode(table.mode),
    )
    assert not verdict.refusal
    assert len(verdict.failed) == len(wrong), (verdict.failed, [table.rows[n] for n in wrong])
    assert sum(verdict.counts.values()) == len(matching)
    left = await connection.fetch(
        "SELECT n, ROW(v)::text AS found, ROW(expected)::text AS expected FROM w.t "
        'WHERE ROW(v)::text COLLATE "C" <> ROW(expected)::text COLLATE "C"'
    )
    assert not left, [(table.rows[row["n"]], row["found"], row["expected"]) for row in left]


def definition(table: Table, names: list[str]) -> ColumnBackfill:
    on = " AND ".join(f"t.{name} = i.{name}" for name in names)
    arrays = ", ".join(f"${number}::{of.name}[]" for number, of in enumerate(table.keys, start=1))

    class Case(ColumnBackfill):
        name = NAME
        key = names[0] if len(names) == 1 else tuple(names)
        columns = ("v",)
        inputs = f"SELECT t.* FROM unnest({arrays}) AS i ({', '.join(names)}) JOIN w.t t ON {on}"

        def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"v": table.rows[record["n"]][1]}

    class Loading(Case):
        async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
            return await super().load(connection, keys)

    made = Loading() if table.loads else Case()
    type(made).table = "w.t"
    return made
