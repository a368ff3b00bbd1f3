"""Apply `sql/roles/`: the roles of the ledger, and what a worker may do to the tables of the definitions."""

from collections.abc import Collection, Iterable
from typing import Final

from backfill import condition, sessions, statements
from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection, quote
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.modes import Mode
from backfill.partition_backfill import PartitionBackfill

# The default version of a row is its xmin, and a locked row is found by its place.
SYSTEM_COLUMNS: Final = ("ctid", "tableoid", "xmin")


async def apply(connection: Connection, definitions: Iterable[Definition], tenants: Collection[str] = ()) -> list[str]:
    """Create what is missing, grant, and take back what was too much, in one transaction; safe to repeat.

    Returns those of the tenants that are open to every role as long as nobody is a member of theirs. Raises SchemaError
    for a missing table.
    """
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(statements.read("schema/lock"))
        await connection.execute(statements.read("roles/roles"))
        for tenant in tenants:
            await sessions.put(connection, {"backfill.admitted": tenant})
            await connection.execute(statements.read("roles/admit"))
        for definition in definitions:
            if isinstance(definition, ColumnBackfill):
                await _grant_columns(connection, definition)
            elif isinstance(definition, PartitionBackfill):
                await _grant_writes(connection, definition)
            for name in definition.reads:
                schema, table, _ = await _find(connection, definition, "reads", name)
                await connection.execute(statements.render("grant_reads", {"schema": schema, "table": table}))
        return [one for one in tenants if await connection.fetchval(statements.read("roles/is_open"), one)]


async def exist(connection: Connection) -> bool:
    """Whether the roles were made, here or for another database of the server."""
    found: bool = await connection.fetchval(statements.read("roles/exist"))
    return found


async def _grant_columns(connection: Connection, definition: ColumnBackfill) -> None:
    target = await resolve(connection, definition, Mode.NULL)
    schema, _, _ = await _find(connection, definition, "table", definition.table)
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


async def _grant_writes(connection: Connection, definition: PartitionBackfill) -> None:
    for name in definition.writes:
        schema, table, oid = await _find(connection, definition, "writes", name)
        await connection.execute(statements.render("grant_writes", {"schema": schema, "table": table}))
        for sequence in await connection.fetch(statements.read("catalog/read_sequences"), oid):
            await connection.execute(statements.render("grant_sequence", {"sequence": sequence["name"]}))


async def _find(connection: Connection, definition: Definition, attribute: str, name: str) -> tuple[str, str, int]:
    """The quoted names of a schema and a table in it, and its number, as the search path finds it."""
    found = await connection.fetchrow(statements.read("catalog/read_table"), name)
    if found is None:
        title = type(definition).__name__
        raise SchemaError(
            f"table {name!r} in {attribute} of {title} does not exist; create it, or correct the definition"
        )
    schema = quote(found["schema_name"])
    return schema, f"{schema}.{quote(found['table_name'])}", found["oid"]


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quote, dict.fromkeys(names)))
