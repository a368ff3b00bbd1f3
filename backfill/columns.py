"""Columns as the catalog knows them, each with what its type is in Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backfill import kinds, statements
from backfill.database import Connection
from backfill.errors import SchemaError
from backfill.kinds import Kind


@dataclass(frozen=True)
class Column:
    name: str
    cast_to: str  # without modifiers: an explicit cast to varchar(5) would cut
    full_type: str  # with them, such as numeric(20,2)
    kind_name: str  # of the base type in pg_type, such as int8
    kind: Kind | None  # None: a backfill cannot write it
    not_null: bool
    fixed: str  # why it cannot be written, such as "generated"; else empty
    folds: bool = False  # its collation calls different texts the same
    is_domain: bool = False
    is_composite: bool = False
    shape: str = ""  # name, number, type and modifiers: one dropped and added again is another column

    @property
    def array(self) -> str:
        """The type to which an array of its values is cast."""
        return "text[]" if self._by_row else f"{self.cast_to}[]"

    @property
    def _by_row(self) -> bool:
        return self.kind is not None and self.kind.by_row

    def assigned(self, value: str) -> str:
        """SQL: a value to assign, of an element of that array. The assignment itself refuses what is too long."""
        return f"{value}::{self.cast_to}" if self._by_row else value

    def differs(self, stored: str, value: str) -> str:
        """SQL: whether a stored value is another one than this value would become."""
        # A number or a time is rounded as the assignment would round it; a text too long must reach the assignment.
        cast = self.assigned(value) if self._is_cut_by_casts else f"{value}::{self.full_type}"
        if self.kind_name == "varchar" and self.full_type != self.cast_to:
            # Of blanks at its end the assignment keeps those that fit.
            bare, whole = f"rtrim({value}, ' ')", f"({value}::{self.full_type})::text"
            cast = f'CASE WHEN rtrim({whole}, \' \') COLLATE "C" = {bare} COLLATE "C" THEN {whole} ELSE {value} END'
        if self.folds or (self.kind is not None and self.kind.as_text):
            return f'({stored})::text COLLATE "C" IS DISTINCT FROM ({cast})::text COLLATE "C"'
        if self.is_domain:  # a domain over an array or a range has no operators of its own
            return f"({stored})::{self.cast_to} IS DISTINCT FROM ({cast})::{self.cast_to}"
        return f"{stored} IS DISTINCT FROM {cast}"

    @property
    def _is_cut_by_casts(self) -> bool:
        return self.kind_name.removesuffix("[]") in ("varchar", "bpchar", "bit", "varbit")


async def read(connection: Connection, table_oid: int) -> dict[str, Column]:
    """The columns of a table by name."""
    rows = await connection.fetch(statements.read("catalog/read_columns"), table_oid)
    types = await _types(connection, {row["type"] for row in rows})
    found = {}
    for row in rows:
        base = types.base(row["type"])
        found[row["name"]] = Column(
            row["name"],
            types[base]["cast_to"],
            row["full_type"],
            types.name(base),
            types.kind(base),
            row["not_null"],
            "generated; PostgreSQL fills it by itself"
            if row["generated"]
            else "an identity that is always generated; PostgreSQL fills it by itself"
            if row["always_identity"]
            else "",
            row["folds"],
            base != row["type"],
            types[base]["sort"] == "c",
            row["shape"],
        )
    return found


class _Types(dict[int, Any]):
    """Rows of `catalog/read_types` by oid."""

    def base(self, oid: int) -> int:
        """The type itself, or what a domain is made of."""
        while self[oid]["base"]:
            oid = self[oid]["base"]
        return oid

    def name(self, oid: int) -> str:
        if element := self[oid]["element"]:
            return f"{self.name(self.base(element))}[]"
        return str(self[oid]["name"])

    def kind(self, oid: int) -> Kind | None:
        row = self[self.base(oid)]
        for part, made_of in (("element", kinds.array), ("bound", kinds.range_of), ("part", kinds.multirange)):
            if row[part]:
                inner = self.kind(row[part])
                if inner is None:
                    return None
                return made_of(row["name"], inner)
        if row["sort"] == "e":
            return kinds.enum(row["name"])
        return kinds.known(row["name"], in_catalog=row["in_catalog"]) if row["sort"] == "b" else None


async def _types(connection: Connection, oids: Iterable[int]) -> _Types:
    rows = await connection.fetch(statements.read("catalog/read_types"), sorted(oids))
    return _Types({row["oid"]: row for row in rows})


def need_writable(column: Column, table: str) -> None:
    """Raise SchemaError for a column that no backfill can write, with what to do instead."""
    if column.fixed:
        raise SchemaError(f"column {column.name!r} of {table!r} is {column.fixed}; write to another column")
    if column.kind is None:
        raise SchemaError(
            f"column {column.name!r} of {table!r} is {column.full_type}, which a backfill cannot write: "
            f"{kinds.why_not(column.kind_name.removesuffix('[]'))}"
        )
