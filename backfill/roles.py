"""Apply `sql/roles/`: the roles of the ledger, and what a worker may do to the tables of the definitions."""

from collections.abc import Iterable
from typing import Final

from backfill import condition, statements
from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection, quote
from backfill.errors import SchemaError
from backfill.modes import Mode

# The default version of a row is its xmin, and a locked row is found by its place.
SYSTEM_COLUMNS: Final = ("ctid", "tableoid", "xmin")


async def apply(connection: Connection, definitions: Iterable[ColumnBackfill]) -> None:
    """Create what is missing and grant, in one transaction; safe to repeat. Raises SchemaError for a missing table."""
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(statements.read("schema/lock"))
        await connection.execute(statements.read("roles/roles"))
        for definition in definitions:
            await _grant(connection, definition)


async def exist(connection: Connection) -> bool:
    """Whether the roles were made, here or for another database of the server."""
    found: bool = await connection.fetchval(statements.read("roles/exist"))
    return found


async def _grant(connection: Connection, definition: ColumnBackfill) -> None:
    target = await resolve(connection, definition, Mode.NULL)
    schema, _ = await _find(connection, definition, definition.table)
    read = (
        *definition.key_columns,
        definition.target_column,
        *definition.columns,
        *definition.version,
        *condition.columns(definition),
        *SYSTEM_COLUMNS,
    )
    columns = {"read_columns": _list(read), "written_columns": _list(definition.columns)}
    await connection.execute(target.statement("grant_worker", schema=schema, **columns))
    for name in definition.reads:
        schema, table = await _find(connection, definition, name)
        await connection.execute(statements.render("grant_reads", {"schema": schema, "table": f"{schema}.{table}"}))


async def _find(connection: Connection, definition: ColumnBackfill, name: str) -> tuple[str, str]:
    """The quoted names of a table and its schema, as the search path finds it."""
    found = await connection.fetchrow(statements.read("catalog/read_table"), name)
    if found is None:
        title = type(definition).__name__
        raise SchemaError(f"table {name!r} in reads of {title} does not exist; create it, or correct the definition")
    return quote(found["schema_name"]), quote(found["table_name"])


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quote, dict.fromkeys(names)))
