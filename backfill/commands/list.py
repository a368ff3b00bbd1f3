"""`backfill list`: the jobs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from backfill import parameters
from backfill.console import is_terminal, json_option, print_json, reporting
from backfill.runner import on_ledger
from backfill.states import JobState

if TYPE_CHECKING:
    from backfill.ledger.jobs import Row

COLUMNS = ("id", "asset_name", "mode", "state", "partitions", "updated", "failed", "created_at")


@click.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]), help="Only jobs in this state.")
@click.option("--backfill", "asset_name", metavar="NAME", help="Only jobs of this backfill.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many jobs.")
@json_option
def list_(state: str | None, asset_name: str | None, limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    with reporting():
        from backfill.ledger import jobs

        rows = on_ledger(
            "list", lambda connection: jobs.listed(connection, state=state, asset_name=asset_name, most=limit)
        )
        if as_json:
            print_json({"jobs": [_as_json(row) for row in rows]})
            return
        table = [
            (
                str(row["id"]),
                row["asset_name"],
                row["mode"] if row["pass_number"] is None else f"{row['mode']}, pass {row['pass_number']}",
                row["state"],
                f"{row['completed_partitions']:,}/{row['total_partitions']:,}",
                f"{row['records_updated']:,}",
                f"{row['records_failed']:,}",
                f"{row['created_at']:%Y-%m-%d %H:%M:%S}",
            )
            for row in rows
        ]
        if not table:
            click.echo("No jobs.")
        elif is_terminal():
            _print_table(table)
        else:
            for line in (COLUMNS, *table):
                click.echo("\t".join(line))


def _as_json(row: "Row") -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "key_range"}
    return shown | {"parameters": parameters.decoded(row["parameters"])}


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    widths = [max(map(len, column)) + 3 for column in zip(COLUMNS, *rows, strict=True)]
    if sum(widths) + 1 > console.width:  # a cut id is of no use
        for job, asset_name, mode, state, partitions, updated, failed, _ in rows:
            click.echo(f"{job} {state}\n  {asset_name} {mode} {partitions} | updated {updated} | failed {failed}")
        return
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    console.print(table)
