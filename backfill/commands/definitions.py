"""`backfill definitions`: what the app offers, and what of it works on the tables as they are."""

from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.console import app_option, json_option, print_json, read_settings, reporting
from backfill.eventloop import run
from backfill.runner import ledger
from backfill.settings import Settings

if TYPE_CHECKING:
    from backfill.definition import Definition


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
    from backfill.api.offered import offered

    async with ledger(settings, "definitions") as connection:
        return [await offered(connection, definition) for definition in found]
