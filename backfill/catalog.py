"""A definition held against the database's catalog: quoted names, types, and the statements made of them."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property

from backfill import columns, condition, kinds, needs, sessions, statements
from backfill.column_backfill import ColumnBackfill
from backfill.columns import Column
from backfill.database import Connection
from backfill.errors import SchemaError
from backfill.inputs import with_arrays
from backfill.keys import Key
from backfill.modes import Mode
from backfill.statements import literal, quote


class ChangedTableError(Exception):
    """The table has changed since the definition was held against it: it has to be again."""


@dataclass(frozen=True)
class Target:
    """The table of a definition as the catalog knows it."""

    definition: ColumnBackfill
    mode: Mode
    table: str  # quoted, with its schema
    is_partitioned: bool
    key: Key
    columns: tuple[Column, ...]
    used: tuple[Column, ...]  # those, and the others that the definition names
    is_never_null: bool = False  # the column that the modes look at
    notes: tuple[str, ...] = ()  # what people should know before a job starts
    has_deferred: bool = False  # constraints that may be checked at the COMMIT only

    @cached_property
    def names(self) -> dict[str, str]:
        """Everything a template in sql/target needs, quoted."""
        version = self.definition.version
        row = ", ".join(f"t.{quote(name)}" for name in version)
        looked_at = f"t.{quote(self.definition.target_column)}"
        after_key = len(self.key.columns) + 1
        numbered = list(enumerate(self.columns))
        # Children of a table that is inherited from have keys of their own, perhaps the same ones.
        table = self.table if self.is_partitioned else f"ONLY {self.table}"
        place = {"literal": literal(self.table), "used": ", ".join(literal(column.name) for column in self.used)}
        return self.key.fragments | {
            **place,
            "shape": statements.render("shape", place),
            "known_shape": literal(self.shape),
            "name": self.table,
            "table": table,
            "given_rows": self.key.given(table),
            "predicate": condition.beside(self.definition, self.mode.predicate(looked_at)),
            "leftover": condition.beside(self.definition, self.mode.leftover(looked_at)),
            "in_scope": condition.beside(self.definition, "true"),
            "has_value": f"({self.mode.has_value(looked_at)})",
            "where": self.definition.where or "true",
            "where_columns": ", ".join(map(quote, condition.columns(self.definition))),
            "version": f"ROW({row})::text" if version else "t.xmin",
            "first_keys": f"$1::text::{self.key.columns[0].cast_to}[]",
            "versions": f"${after_key}::text::{'text' if version else 'xid'}[]",
            # The same xmin means the same place. With a version of its own the row may have moved meanwhile.
            "same_row": self.key.fragments["same_key"] if version else "t.ctid = l.place AND t.tableoid = l.part",
            "value_arrays": ", ".join(f"${n + after_key + 1}::text::{c.array}" for n, c in numbered),
            "value_names": ", ".join(f"v{n}" for n, _ in numbered),
            "values": ", ".join(f"{c.assigned(f'c.v{n}')} AS v{n}, t.{quote(c.name)} AS o{n}" for n, c in numbered),
            "assignments": ", ".join(f"{quote(c.name)} = l.v{n}" for n, c in numbered),
            "differs": " OR ".join(c.differs(f"t.{quote(c.name)}", f"c.v{n}") for n, c in numbered),
            "changed": " OR ".join(c.differs(f"t.{quote(c.name)}", f"l.o{n}") for n, c in numbered),
        }

    def statement(self, name: str, **more: str) -> str:
        return statements.render(name, {**self.names, **more})

    @cached_property
    def shape(self) -> str:
        """The columns with their types, as shape.sql has them when nothing has changed."""
        return ", ".join(shape for _, shape in sorted({(column.name, column.shape) for column in self.used}))

    @cached_property
    def read_versions(self) -> str:
        return self.statement("read_versions")

    @cached_property
    def inputs(self) -> str:
        """The definition's query, its keys read by PostgreSQL from their texts."""
        return with_arrays(self.definition.inputs, [column.cast_to for column in self.key.columns])

    @cached_property
    def inputs_version(self) -> str:
        return with_arrays(self.definition.inputs_version, [column.cast_to for column in self.key.columns])

    @cached_property
    def apply_values(self) -> str:
        return self.statement("apply_values")

    def session(self, connection: Connection) -> AbstractAsyncContextManager[None]:
        """Run what the block does under the definition's settings."""
        return sessions.of_definition(connection, self.definition.settings)


async def need_unchanged(connection: Connection, target: Target) -> None:
    """Raise ChangedTableError where a column is another one, or has another type, than when the target was resolved.

    The table keeps its columns until the transaction's end.
    """
    if await connection.fetchval(target.statement("read_shape")) != target.shape:
        raise ChangedTableError


async def resolve(connection: Connection, definition: ColumnBackfill, mode: Mode) -> Target:
    """Look every name of the definition up; raises SchemaError naming what is missing and what to do."""
    table = await connection.fetchrow(statements.read("catalog/read_table"), definition.table)
    title = type(definition).__name__
    if table is None:
        raise SchemaError(f"table {definition.table!r} of {title} does not exist; create it, or correct the definition")
    if table["kind"] not in ("r", "p"):
        raise SchemaError(f"{definition.table!r} of {title} is no table; a backfill writes to a table")
    if table["foreign_parts"]:
        raise SchemaError(
            f"{definition.table!r} has foreign tables among its partitions ({', '.join(table['foreign_parts'])}), "
            "whose rows cannot be locked; name the other partitions one by one"
        )
    found = await columns.read(connection, table["oid"])

    def column(name: str) -> Column:
        if name not in found:
            raise SchemaError(
                f"table {definition.table!r} has no column {name!r} ({title}); it has: {', '.join(found)}"
            )
        return found[name]

    key = Key(tuple(column(name) for name in definition.key_columns))
    target = column(definition.target_column)
    version = tuple(column(name) for name in definition.version)
    where = tuple(column(name) for name in condition.columns(definition))
    for name in definition.columns:
        columns.need_writable(column(name), definition.table)
        if name in key.names:
            raise SchemaError(f"{title} writes its own key {name!r}; a key must never change")
    if mode is Mode.ZERO and target.kind_name not in kinds.NUMERIC:
        raise SchemaError(
            f"mode zero needs a number, but {target.name!r} is {target.full_type}; use --mode=null or all"
        )
    written = tuple(found[name] for name in definition.columns)
    needs.need_usable_key(key, definition)
    await needs.need_index(connection, table["oid"], key, definition)
    needs.need_sight(definition, definition.table, table)
    notes: tuple[str, ...] = ()
    if children := table["children"]:
        notes = (
            f"{definition.table} has children ({', '.join(children)}): only its own rows are worked on, which `inputs` "
            f"should read FROM ONLY {definition.table}; a backfill for each child does theirs",
        )
    return Target(
        definition,
        mode,
        f"{quote(table['schema_name'])}.{quote(table['table_name'])}",
        table["kind"] == "p",
        key,
        written,
        (*key.columns, target, *version, *where, *written),
        target.not_null,
        notes,
        table["has_deferred"],
    )
