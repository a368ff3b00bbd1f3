"""A table or view that a source names, as the catalog has it, and its columns in the terms of our statements."""

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final

from backfill import statements
from backfill.errors import UsageError
from backfill.monitor.readings import Value
from backfill.monitor.sources import values
from backfill.statements import literal, quote
from backfill.texts import one_line

if TYPE_CHECKING:
    from backfill.database import Connection

TIMES: Final = ("timestamptz", "timestamp", "date")
WHOLE: Final = ("int2", "int4", "int8")
BROKEN: Final = ("float4", "float8", "numeric")  # these have NaN, which is greater than any number
SAMPLED: Final = ("r", "p", "m")
NAME: Final = re.compile(r'(?:"((?:[^"]|"")+)"|([^".]+))(?:\.(?:"((?:[^"]|"")+)"|([^".]+)))?')
YEAR_SECONDS: Final = 31_536_000  # what stands for no time is of 1970, or before


@dataclass(frozen=True)
class Column:
    """A column whose name was found; times without a zone are of `naive`."""

    name: str
    type: str
    naive: tzinfo

    @property
    def quoted(self) -> str:
        return f"t.{quote(self.name)}"

    @property
    def is_number(self) -> bool:
        return self.type in (*WHOLE, *BROKEN)

    @property
    def told_in(self) -> tzinfo:
        """The zone of a time that PostgreSQL has written."""
        return UTC if self.type == "timestamptz" else self.naive

    @property
    def zone(self) -> str:
        return "" if self.type == "timestamptz" else f" AT TIME ZONE {literal(str(self.naive))}"

    def fragments(self, per_second: int) -> dict[str, str]:
        """What templates need; of a column of numbers, how many of them a second has."""
        found = {"column": quote(self.name), "is_finite": "true"}
        if self.type in TIMES:
            now = f"(clock_timestamp(){self.zone})"
            return found | {
                "is_finite": f"{self.quoted} < 'infinity'",
                "epoch_minutes": f"extract(epoch FROM {self.quoted}{self.zone}) / 60",
                "an_hour_ago": f"{now} - interval '1 hour'",
                "in_a_minute": f"{now} + interval '1 minute'",
            }
        if self.type in BROKEN:
            found["is_finite"] = f"{self.quoted} <> 'NaN'"
        now = f"extract(epoch FROM clock_timestamp()) * {per_second}"
        return found | {
            "epoch_minutes": f"{self.quoted} / {60 * per_second}",
            "an_hour_ago": f"{now} - {3600 * per_second}",
            "in_a_minute": f"{now} + {60 * per_second}",
        }

    def value(self, text: str) -> Value:
        """A value that PostgreSQL wrote, as a report has it; what has no other kind stays a text."""
        try:
            if self.type in TIMES:
                return values.moment(text, self.told_in)
            if self.is_number:
                return values.number(text)
        except ValueError:  # infinity, for one
            pass
        return one_line(text, values.MOST_OF_A_TEXT)


@dataclass(frozen=True)
class Table:
    """A table, view or foreign table."""

    quoted: str
    is_sampled: bool  # it can be
    runs_nothing: bool  # of anybody's when it is read, as views and policies do
    columns: dict[str, Column]

    def column(self, name: str) -> Column:
        """The column of that name, which may be written in capitals; raises UsageError naming those that there are."""
        for one in (name, name.lower(), name.strip('"').replace('""', '"')):
            if one in self.columns:
                return self.columns[one]
        there = ", ".join(one_line(one, 60) for one in list(self.columns)[:30])
        raise UsageError(f"{self.quoted} has no column {one_line(name, 60)!r}; it has: {there}")

    def time(self, name: str) -> Column:
        """The same of a column that can tell a time; raises UsageError for another."""
        column = self.column(name)
        if column.type not in TIMES and not column.is_number:
            raise UsageError(f"{self.quoted}.{quote(column.name)} is {column.type}, no time; name another column")
        return column


async def found(connection: "Connection", name: str, naive: tzinfo) -> Table:
    """Look the name up as it is written, else in small letters; raises UsageError where it is none or several."""
    parts = NAME.fullmatch(name.strip())
    if parts is None:
        raise UsageError(f"{one_line(name, 100)!r} is no table's name; write table or schema.table")
    first, second = (_spellings(parts, 1), _spellings(parts, 3))
    schemas, names = (first, second) if second else (None, first)
    rows = await connection.fetch(statements.read("monitor/find_table"), schemas, names)
    best = [row for row in rows if row["is_visible"] or schemas] or rows
    best = [row for row in best if row["table_name"] == names[0]] or best
    if schemas:
        best = [row for row in best if row["schema_name"] == schemas[0]] or best
    if not best:
        raise UsageError(f"there is no table {one_line(name, 100)}; correct its name, or name it with its schema")
    if len(best) > 1:
        there = ", ".join(f"{row['schema_name']}.{row['table_name']}" for row in best[:10])
        raise UsageError(f"there are {one_line(there)}; write which")
    (row,) = best
    columns = await connection.fetch(statements.read("monitor/read_columns"), row["oid"])
    return Table(
        f"{quote(row['schema_name'])}.{quote(row['table_name'])}",
        row["kind"] in SAMPLED,
        row["kind"] in SAMPLED and not row["has_policies"],
        {one["name"]: Column(one["name"], one["type"], naive) for one in columns},
    )


def _spellings(parts: re.Match[str], number: int) -> list[str]:
    """The names that a part may mean, the likeliest first; in quotes it is exactly that."""
    quoted, plain = parts[number], parts[number + 1]
    if quoted is not None:
        return [quoted.replace('""', '"')]
    return [] if plain is None else [plain.strip(), plain.strip().lower()]
