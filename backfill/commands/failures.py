"""`backfill failures`: the records of a job that failed."""

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from backfill import door
from backfill.commands.sheet import print_csv
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger
from backfill.texts import one_line

if TYPE_CHECKING:
    import asyncpg

    from backfill.ledger.jobs import Row

MOST: Final = 100_000
OTHERS: Final = 5  # jobs that are named when this one has no failed records
COLUMNS: Final = ("record_id", "partition_key", "error_class", "error_message", "attempts", "failed_at")


@click.command()
@click.argument("job", default="latest")
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print CSV with a header, exact; for a spreadsheet take --csv-safe."
)
@click.option(
    "--csv-safe", is_flag=True, help="The same for a spreadsheet: what it would take for a formula begins with a '."
)
@json_option
def failures(job: str, as_csv: bool, csv_safe: bool, as_json: bool) -> None:
    """List the failed records of JOB: an id, its beginning, or latest."""
    with reporting():
        from backfill.ledger import jobs

        async def read(connection: "asyncpg.Connection[Any]") -> "tuple[UUID, list[jobs.Row], list[jobs.Row]]":
            found = await jobs.find(connection, job)
            rows = await jobs.failures(connection, found, MOST)
            return found, rows, [] if rows else await jobs.with_failures(connection, OTHERS)

        found, rows, others = on_ledger("failures", read)
        if as_json:
            elsewhere = [{"job": str(one["id"]), "failed": one["failed"]} for one in others]
            print_json({"job": str(found), "failures": [dict(row) for row in rows], "elsewhere": elsewhere})
        elif as_csv or csv_safe:
            print_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in rows), is_safe=csv_safe)
        else:
            _print(found, rows, others)


def _print(found: UUID, rows: "list[Row]", others: "list[Row]") -> None:
    for row in rows:
        door.line(
            one_line(row["record_id"]),
            f"partition {row['partition_key']}",
            f"{row['error_class']}: {one_line(row['error_message'])}",
            f"(attempts: {row['attempts']})",
        )
    if not rows:
        door.line(f"Job {found} has no failed records.")
    for one in others:
        door.line(
            f"  {one['failed']:,} of {one['asset_name']}, job {one['id']} ({one['state']}): "
            f"backfill failures {one['id']}"
        )
