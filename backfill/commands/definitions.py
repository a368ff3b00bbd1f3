"""`backfill definitions`: what the app offers, and what of it works on the tables as they are."""

from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.console import app_option, json_option, print_json, read_settings, reporting
from backfill.eventloop import run
from backfill.runner import ledger
from backfill.settings import Settings

if TYPE_CHECKING:
    from backfill.column_backfill import ColumnBackfill
    from backfill.definition import Definition
    from backfill.partition_backfill import PartitionBackfill


@click.command()
@app_option
@json_option
def definitions(app: str | None, as_json: bool) -> None:
    """List the backfills of the app, each with its table, columns and the modes that work on it now."""
    with reporting():
        from backfill import application

        settings = read_settings(app=app)
        found = application.load(settings.app)
        rows = run(_looked_up(settings, [found[name] for name in sorted(found)]))
        if as_json:
            print_json({"definitions": rows})
            return
        for row in rows:
            door.line(f"{row['name']}: {_what(row)}")
            door.line(f"  modes: {', '.join(row['modes']) or 'none'}")
            if row["parameters"]:
                door.line(f"  parameters: {', '.join(row['parameters'])}")
            if not row["modes"]:
                door.line(f"  refused: {row['refusals']['all']}")


def _what(row: dict[str, Any]) -> str:
    if row["table"] is None:
        return f"keys of its own -> {', '.join(row['writes'])}"
    return f"{row['table']} ({', '.join(row['key'])}) -> {', '.join(row['columns'])}"


async def _looked_up(settings: Settings, found: "list[Definition]") -> list[dict[str, Any]]:
    async with ledger(settings, "definitions") as connection:
        return [await _row(connection, definition) for definition in found]


async def _row(connection: Any, definition: "Definition") -> dict[str, Any]:
    from backfill.column_backfill import ColumnBackfill
    from backfill.partition_backfill import PartitionBackfill

    row = {"table": None, "key": (), "columns": (), "target": None, "writes": ()}
    if isinstance(definition, ColumnBackfill):
        row |= await _of_columns(connection, definition)
    elif isinstance(definition, PartitionBackfill):
        row |= await _of_keys(connection, definition)
    parameters = [*definition.Parameters.model_fields] if definition.Parameters else []
    return {"name": definition.name, **row, "parameters": parameters, "reads": definition.reads}


async def _of_keys(connection: Any, definition: "PartitionBackfill") -> dict[str, Any]:
    from backfill.errors import SchemaError
    from backfill.needs import need_tables

    refusals = {}
    try:
        await need_tables(connection, definition)
    except SchemaError as error:
        refusals["all"] = str(error)
    return {"writes": definition.writes, "modes": [] if refusals else ["all"], "refusals": refusals}


async def _of_columns(connection: Any, definition: "ColumnBackfill") -> dict[str, Any]:
    from backfill.catalog import resolve
    from backfill.errors import SchemaError
    from backfill.modes import Mode
    from backfill.probing import need_fit_where

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
