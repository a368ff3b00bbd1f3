"""The definition that a test gives, as a job has it, and the tables that it writes."""

from typing import Any

from pydantic import BaseModel, ValidationError

from backfill import contract, parameters, partition_contract, statements, texts
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError, UsageError
from backfill.partition_backfill import PartitionBackfill
from backfill.statements import quote


def made(definition: Definition | type[Definition], given: dict[str, Any]) -> Definition:
    """One with its parameters, held against the contract as an app's is; raises UsageError."""
    found = definition() if isinstance(definition, type) else definition
    if isinstance(found, ColumnBackfill):
        contract.need_whole(found)
    elif isinstance(found, PartitionBackfill):
        partition_contract.need_whole(found)
    if given:
        model: type[BaseModel] | None = found.Parameters
        if model is None:
            raise UsageError(f"{found.name} has no parameters; leave out {', '.join(given)}")
        try:
            found = found.with_parameters(model(**given))
        except ValidationError as error:
            raise UsageError(f"parameters of {found.name}: {texts.one_line(error)}") from error
    parameters.stored(found)
    contract.need_limit(found)
    return found


async def rows(connection: Connection, definition: Definition) -> dict[str, list[dict[str, Any]]]:
    """All rows of each table that the definition writes, those of a column in the order of its keys."""
    tables: tuple[str, ...] = ()
    order = 't::text COLLATE "C"'
    if isinstance(definition, ColumnBackfill):
        tables, order = (definition.table,), ", ".join(f"t.{quote(name)}" for name in definition.key_columns)
    elif isinstance(definition, PartitionBackfill):
        tables = definition.writes
    found: dict[str, list[dict[str, Any]]] = {}
    for name in tables:
        table = await connection.fetchrow(statements.read("catalog/read_table"), name)
        if table is None:
            raise SchemaError(f"table {name!r} of {type(definition).__name__} does not exist")
        names = {"table": f"{quote(table['schema_name'])}.{quote(table['table_name'])}", "order": order}
        query = statements.read("testing/read_rows").format(**names)
        found[name] = [dict(row) for row in await connection.fetch(query)]
    return found
