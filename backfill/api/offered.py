"""What an app offers, and what of it works on the tables as they are."""

from typing import Any

from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.modes import Mode
from backfill.needs import need_tables
from backfill.partition_backfill import PartitionBackfill
from backfill.probing import need_fit_where


async def offered(connection: Connection, definition: Definition) -> dict[str, Any]:
    """The definition with its table, columns and the modes that work on it now; the others each with its refusal."""
    row: dict[str, Any] = {"table": None, "key": (), "columns": (), "target": None, "writes": ()}
    if isinstance(definition, ColumnBackfill):
        row |= await _of_columns(connection, definition)
    elif isinstance(definition, PartitionBackfill):
        row |= await _of_keys(connection, definition)
    parameters = [*definition.Parameters.model_fields] if definition.Parameters else []
    return {"name": definition.name, **row, "parameters": parameters, "reads": definition.reads}


async def _of_keys(connection: Connection, definition: PartitionBackfill) -> dict[str, Any]:
    refusals = {}
    try:
        await need_tables(connection, definition)
    except SchemaError as error:
        refusals["all"] = str(error)
    return {"writes": definition.writes, "modes": [] if refusals else ["all"], "refusals": refusals}


async def _of_columns(connection: Connection, definition: ColumnBackfill) -> dict[str, Any]:
    modes, refusals = [], {}
    for mode in Mode:
        try:
            await need_fit_where(connection, await resolve(connection, definition, mode))
            modes.append(mode.value)
        except SchemaError as error:
            refusals[mode.value] = str(error)
    return {
        "table": definition.table,
        "key": definition.key_columns,
        "columns": definition.columns,
        "target": definition.target_column,
        "modes": modes,
        "refusals": refusals,
    }
