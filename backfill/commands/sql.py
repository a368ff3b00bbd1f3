"""`backfill sql`: the queries about progress that come with the toolkit, to print or to run."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backfill import door, statements
from backfill.commands.table import print_table
from backfill.console import json_option, print_json, reporting
from backfill.errors import UsageError
from backfill.runner import on_ledger

if TYPE_CHECKING:
    from backfill.ledger.jobs import Row


@click.command(
    epilog="""\b
Examples:
  backfill sql                               (which there are)
  backfill sql throughput | psql "$DATABASE_URL"
  backfill sql workers --run"""
)
@click.argument("name", required=False)
@click.option("--run", is_flag=True, help="Run it on the ledger and show its rows.")
@json_option
def sql(name: str | None, run: bool, as_json: bool) -> None:
    """Print query NAME about the ledger, or list the queries there are."""
    with reporting():
        found = {path.stem: path for path in sorted((statements.FOLDER / "progress").glob("*.sql"))}
        if name is None:
            _list(found, as_json)
            return
        if name not in found:
            raise UsageError(f"there is no query {name!r}; there are: {', '.join(found)}")
        text = statements.read(f"progress/{name}")
        if not run:
            if as_json:
                print_json({"query": name, "text": text})
            else:
                door.lines(text)
            return
        rows: list[Row] = on_ledger("sql", lambda connection: connection.fetch(text))
        if as_json:
            print_json({"query": name, "rows": [{key: _plain(value) for key, value in row.items()} for row in rows]})
        else:
            _show(rows)


def _list(found: dict[str, Path], as_json: bool) -> None:
    meanings = {name: path.read_text().splitlines()[0].removeprefix("-- ") for name, path in found.items()}
    if as_json:
        print_json({"queries": [{"query": name, "meaning": meaning} for name, meaning in meanings.items()]})
        return
    for name, meaning in meanings.items():
        door.line(f"{name:<17}{meaning}")


def _show(rows: "list[Row]") -> None:
    if not rows:
        door.line("No rows.")
        return
    print_table(list(rows[0].keys()), [["" if value is None else str(value) for value in row.values()] for row in rows])


def _plain(value: Any) -> Any:
    """Decimals as numbers of JSON."""
    return (int(value) if value == value.to_integral() else float(value)) if isinstance(value, Decimal) else value
