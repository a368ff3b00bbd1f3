"""`backfill definitions`: what the app offers, and what of it works on the tables as they are."""

from typing import TYPE_CHECKING, Any

import click

from backfill.console import app_option, json_option, print_json, read_settings, reporting
from backfill.runner import ledger, run
from backfill.settings import Settings

if TYPE_CHECKING:
    from backfill.column_backfill import ColumnBackfill


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
            click.echo(f"{row['name']}: {row['table']} ({', '.join(row['key'])}) -> {', '.join(row['columns'])}")
            click.echo(f"  modes: {', '.join(row['modes']) or 'none'}")
            if row["parameters"]:
                click.echo(f"  parameters: {', '.join(row['parameters'])}")
            if not row["modes"]:
                click.echo(f"  refused: {row['refusals']['all']}")


async def _looked_up(settings: Settings, found: "list[ColumnBackfill]") -> list[dict[str, Any]]:
    async with ledger(settings, "definitions") as connection:
        return [await _row(connection, definition) for definition in found]


async def _row(connection: Any, definition: "ColumnBackfill") -> dict[str, Any]:
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
        "name": definition.name,
        "table": definition.table,
        "key": definition.key_columns,
        "columns": definition.columns,
        "target": definition.target_column,
        "modes": modes,
        "refusals": refusals,
        "parameters": [*definition.Parameters.model_fields] if definition.Parameters else [],
        "reads": definition.reads,
    }
