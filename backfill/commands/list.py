"""`backfill list`: the jobs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from backfill import door, drawing, parameters
from backfill.console import is_terminal, json_option, print_json, reporting
from backfill.runner import on_ledger
from backfill.states import JobState
from backfill.texts import one_line

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
            door.line("No jobs.")
        elif is_terminal():
            _print_table(table)
        else:
            for line in (COLUMNS, *table):
                door.line(*line)


def _as_json(row: "Row") -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "key_range"}
    return shown | {"parameters": parameters.decoded(row["parameters"])}


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    texts = [tuple(map(one_line, row)) for row in rows]
    widths = [max(map(drawing.cells, column)) + 3 for column in zip(COLUMNS, *texts, strict=True)]
    if sum(widths) + 1 <= drawing.width():
        drawing.show(drawing.table(COLUMNS, texts))
        return
    for job, asset_name, mode, state, partitions, updated, failed, _ in texts:  # a cut id is of no use
        door.line(f"{job} {state}")
        door.line(f"  {asset_name} {mode} {partitions} | updated {updated} | failed {failed}")
