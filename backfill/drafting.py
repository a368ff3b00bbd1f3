"""A first definition for a table, and its test: what the catalog knows is written down, the rest is left open."""

import json
import keyword
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backfill import columns, statements
from backfill.catalog import Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.columns import Column
from backfill.database import Connection
from backfill.errors import SchemaError, UsageError
from backfill.limit import NAME
from backfill.modes import Mode
from backfill.needs import need_tables
from backfill.partition_backfill import PartitionBackfill
from backfill.texts import one_line

MOST_INPUTS: Final = 4  # columns besides the key and those that are written
# Names in the drafts that a class of the same name would hide.
USED: Final = {"Any", "AsyncIterator", "Call", "ColumnBackfill", "Mapping", "Outcome", "PartitionBackfill", "Skip"}
OF_LIBRARIES: Final = {"asyncpg", "backfill", "click", "pydantic", "pytest", "test", "tests", "conftest"}


@dataclass(frozen=True)
class Draft:
    """Two files, by their names."""

    app: str
    files: dict[str, str]


def need_name(name: str) -> None:
    """Raise UsageError for what cannot be the name of a backfill and of its module."""
    if not NAME.fullmatch(name):
        raise UsageError(f"NAME is {name!r}: use lower-case letters, digits and _, at most 40, a letter first")
    if keyword.iskeyword(name) or name in sys.stdlib_module_names or name in OF_LIBRARIES:
        raise UsageError(f"NAME is {name!r}, which Python or a library has already; its file is to be {name}.py")
    if name.startswith("test_"):
        raise UsageError(f"NAME is {name!r}: pytest would take {name}.py for a test")


async def of_columns(
    connection: Connection, name: str, table: str, written: Sequence[str], key: Sequence[str]
) -> Draft:
    """A ColumnBackfill; raises SchemaError for a table on which none would work, in mode all."""
    oid = await _find(connection, table)
    known = await columns.read(connection, oid)
    spelling = await connection.fetchrow(statements.read("catalog/read_spelling"), oid, list(known))
    assert spelling is not None  # noqa: S101 - the table was found
    key = tuple(key) or tuple(spelling["primary_key"] or ())
    if not key:
        raise SchemaError(f"{table!r} has no primary key; name unique columns that never change with --key")
    named = spelling["qualified"] if "." in table else spelling["short"]
    target = await resolve(connection, _probe(name, named, written, key), Mode.ALL)
    others = [one for one in known if one not in key and one not in written][:MOST_INPUTS]
    return _files(name, _column_text(name, named, target, others, dict(zip(known, spelling["spelled"], strict=True))))


def _probe(name: str, table: str, written: Sequence[str], key: Sequence[str]) -> ColumnBackfill:
    """The definition that is being drafted, to be held against the catalog."""
    parts: dict[str, Any] = {"name": name, "table": table, "columns": tuple(written)}
    parts["key"] = key[0] if len(key) == 1 else tuple(key)
    made: ColumnBackfill = type(_class(name), (ColumnBackfill,), parts)()
    return made


async def of_keys(connection: Connection, name: str, table: str) -> Draft:
    """A PartitionBackfill that writes to the table."""
    oid = await _find(connection, table)
    spelling = await connection.fetchrow(statements.read("catalog/read_spelling"), oid, [])
    assert spelling is not None  # noqa: S101 - the table was found
    named = spelling["qualified"] if "." in table else spelling["short"]
    probe: PartitionBackfill = type(_class(name), (PartitionBackfill,), {"name": name, "writes": (named,)})()
    await need_tables(connection, probe)
    return _files(name, KEYS.format(title=_class(name), name=_text(name), table=_text(named)), sample=1)


async def _find(connection: Connection, table: str) -> int:
    found = await connection.fetchrow(statements.read("catalog/read_table"), table)
    if found is None:
        raise SchemaError(f"table {table!r} does not exist; give its name as SQL has it, quoted where that is needed")
    if found["kind"] not in ("r", "p"):
        raise SchemaError(f"{table!r} is no table; name the table that is written to")
    oid: int = found["oid"]
    return oid


def _class(name: str) -> str:
    title = "".join(part.capitalize() for part in name.split("_"))
    return f"{title}Backfill" if title in USED else title


def _text(value: str) -> str:
    """A Python literal, in double quotes unless single ones need fewer escapes."""
    plain = one_line(json.dumps(value, ensure_ascii=False))  # what it writes out Python reads as it was
    quoted = repr(value)
    return quoted if "'" not in value and '"' in value and quoted == f"'{value}'" else plain


def _tuple(values: Sequence[str]) -> str:
    return f"({', '.join(map(_text, values))}{',' * (len(values) == 1)})"


def _column_text(name: str, table: str, target: Target, others: list[str], spelled: dict[str, str]) -> str:
    key = target.key.names
    selected = [spelled[one] for one in (*key, *others, *(column.name for column in target.columns))]
    given = [f"${number}" for number in range(1, len(key) + 1)]
    matched = f"{spelled[key[0]]} = ANY($1)"
    if len(key) > 1:
        matched = f"({', '.join(spelled[one] for one in key)}) IN (SELECT * FROM unnest({', '.join(given)}))"  # noqa: S608 - quoted names
    wanted = "\n".join(f"        #   {_comment(column)}" for column in target.columns)
    return COLUMNS.format(
        title=_class(name),
        name=_text(name),
        table=_text(table),
        key=_text(key[0]) if len(key) == 1 else _tuple(key),
        columns=_tuple([column.name for column in target.columns]),
        inputs=_text(f"SELECT {', '.join(selected)} FROM {table} WHERE {matched}"),  # noqa: S608 - the same
        wanted=wanted,
    )


def _comment(column: Column) -> str:
    what = column.kind.python if column.kind is not None else ""
    none = ", never None" if column.not_null else ", or None"
    return f"{_text(column.name)} is {one_line(' '.join(column.full_type.split()))}: give {what}{none}"


def _files(name: str, text: str, sample: int | None = None) -> Draft:
    title = _class(name)
    more = "" if sample is None else f", sample={sample}"
    return Draft(
        f"{name}:{title}",
        {f"{name}.py": text, f"test_{name}.py": TEST.format(title=title, name=name, sample=more)},
    )


COLUMNS: Final = """\
from collections.abc import Mapping
from typing import Any

from backfill import ColumnBackfill, Skip


class {title}(ColumnBackfill):
    name = {name}
    table = {table}
    key = {key}
    columns = {columns}
    inputs = {inputs}

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        # `record` is a row of `inputs`. Return a value for each column, by its name:
{wanted}
        return Skip("compute is not written yet")
"""
KEYS: Final = """\
from collections.abc import AsyncIterator
from typing import Any

from backfill import Call, Outcome, PartitionBackfill, Skip


class {title}(PartitionBackfill):
    name = {name}
    writes = ({table},)

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        # Each key once, ascending; the work on one is done as a whole.
        yield "all"

    async def fetch(self, call: Call, key: str) -> Any:
        async with call:
            return None  # ask the service here: outside any transaction, and perhaps more than once

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome | Skip:
        # In the transaction that counts it: write what was fetched, and return Outcome.UPDATED or Outcome.UNCHANGED.
        return Skip("write is not written yet")
"""
TEST: Final = '''\
import asyncio

from backfill.testing import checked
from {name} import {title}


def test_records_of_the_database_are_done() -> None:
    """On the database of DATABASE_URL; what is written there is rolled back."""
    found = asyncio.run(checked({title}{sample}))
    assert not found.wrong
    assert not found.failures
'''
