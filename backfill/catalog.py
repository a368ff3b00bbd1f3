"""A definition held against the database's catalog: quoted names, types, and the statements made of them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from backfill import statements
from backfill.database import Connection, quote
from backfill.definition import ColumnBackfill
from backfill.errors import SchemaError
from backfill.modes import Mode

NUMERIC: Final = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"})
INTEGER_BOUNDS: Final = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # without modifiers, such as numeric
    full_type: str  # with them, such as numeric(20,2)
    not_null: bool

    @property
    def travels_as_text(self) -> bool:
        """Whether an array of it is sent as a literal: the driver takes five times as long to pack numerics."""
        return self.type == "numeric"


@dataclass(frozen=True)
class Target:
    """The table of a definition as the catalog knows it."""

    definition: ColumnBackfill
    mode: Mode
    table: str  # quoted, with its schema
    key: Column
    columns: tuple[Column, ...]

    @property
    def key_is_numeric(self) -> bool:
        return self.key.type in NUMERIC

    @cached_property
    def names(self) -> dict[str, str]:
        """Everything a template in sql/target needs, quoted."""
        version = self.definition.version
        row = ", ".join(f"t.{quote(name)}" for name in version)
        return {
            "table": self.table,
            "key": quote(self.key.name),
            "key_type": self.key.type,
            "predicate": self.mode.predicate(f"t.{quote(self.definition.target_column)}"),
            "version": f"ROW({row})::text" if version else "t.xmin",
            "version_type": "text" if version else "xid",
            # The same xmin means the same place. With a version of its own the row may have moved meanwhile.
            "same_row": f"t.{quote(self.key.name)} = l.row_key"
            if version
            else "t.ctid = l.place AND t.tableoid = l.part",
            # Cast as the column would: numeric(20,2) rounds what it is given, and is then compared as stored.
            "value_arrays": ", ".join(
                f"${n}::{'text::' if c.travels_as_text else ''}{c.full_type}[]"
                for n, c in enumerate(self.columns, start=3)
            ),
            "value_names": ", ".join(f"v{n}" for n, _ in enumerate(self.columns)),
            "assignments": ", ".join(f"{quote(c.name)} = l.v{n}" for n, c in enumerate(self.columns)),
            "differs": " OR ".join(f"t.{quote(c.name)} IS DISTINCT FROM c.v{n}" for n, c in enumerate(self.columns)),
        }

    def statement(self, name: str, **more: str) -> str:
        return statements.render(name, {**self.names, **more})

    @cached_property
    def read_versions(self) -> str:
        return self.statement("read_versions")

    @cached_property
    def apply_values(self) -> str:
        return self.statement("apply_values", wait="", list_present="false")

    @cached_property
    def apply_unlocked_values(self) -> str:
        """The same for rows that nobody holds, naming those it had."""
        return self.statement("apply_values", wait="SKIP LOCKED", list_present="true")


async def resolve(connection: Connection, definition: ColumnBackfill, mode: Mode) -> Target:
    """Look every name of the definition up; raises SchemaError naming what is missing and what to do."""
    table = await connection.fetchrow(statements.read("catalog/read_table"), definition.table)
    title = type(definition).__name__
    if table is None:
        raise SchemaError(f"table {definition.table!r} of {title} does not exist; create it, or correct the definition")
    if table["kind"] not in ("r", "p"):
        raise SchemaError(f"{definition.table!r} of {title} is no table; a backfill writes to a table")
    rows = await connection.fetch(statements.read("catalog/read_columns"), table["oid"])
    found: dict[str, Any] = {row["name"]: row for row in rows}

    def column(name: str) -> Column:
        if name not in found:
            raise SchemaError(
                f"table {definition.table!r} has no column {name!r} ({title}); it has: {', '.join(found)}"
            )
        row = found[name]
        return Column(row["name"], row["type"], row["full_type"], row["not_null"])

    key = column(definition.key)
    columns = tuple(column(name) for name in definition.columns)
    target = column(definition.target_column)
    for name in definition.version:
        column(name)
    for name in definition.columns:
        if found[name]["generated"]:
            raise SchemaError(f"column {name!r} of {definition.table!r} is generated; PostgreSQL fills it by itself")
    if key.name in definition.columns:
        raise SchemaError(f"{title} writes its own key {key.name!r}; a key must never change")
    if mode is Mode.ZERO and target.type not in NUMERIC:
        raise SchemaError(f"mode zero needs a number, but {target.name!r} is {target.type}; use --mode=null or all")
    if not await connection.fetchval(statements.read("catalog/has_unique_index"), table["oid"], key.name):
        raise SchemaError(
            f"no unique index on the key {key.name!r} of {definition.table!r}: paging would scan the table again "
            f"and again; run: CREATE UNIQUE INDEX CONCURRENTLY ON {definition.table} ({key.name})"
        )
    return Target(definition, mode, f"{quote(table['schema_name'])}.{quote(table['table_name'])}", key, columns)
