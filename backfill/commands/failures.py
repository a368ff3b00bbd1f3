"""`backfill failures`: the records of a job that failed."""

import asyncio
import csv
import sys
from typing import Final

import click

from backfill.console import json_option, ledger, print_json, read_settings, reporting
from backfill.texts import one_line

MOST: Final = 100_000
OTHERS: Final = 5  # jobs that are named when this one has no failed records
COLUMNS: Final = ("record_id", "partition_key", "error_class", "error_message", "attempts", "failed_at")


@click.command()
@click.argument("job", default="latest")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header.")
@json_option
def failures(job: str, as_csv: bool, as_json: bool) -> None:
    """List the failed records of JOB: an id, its beginning, or latest."""
    with reporting():
        from backfill import schema
        from backfill.ledger import jobs

        settings = read_settings()

        async def work() -> None:
            async with ledger(settings, "failures") as connection:
                await schema.check(connection)
                found = await jobs.find(connection, job)
                rows = await jobs.failures(connection, found, MOST)
                others = [] if rows else await jobs.with_failures(connection, OTHERS)
            if as_json:
                elsewhere = [{"job": str(one["id"]), "failed": one["failed"]} for one in others]
                print_json({"job": str(found), "failures": [dict(row) for row in rows], "elsewhere": elsewhere})
                return
            if as_csv:
                writer = csv.writer(sys.stdout)
                writer.writerow(COLUMNS)
                writer.writerows([row[name] for name in COLUMNS] for row in rows)
                return
            for row in rows:
                click.echo(
                    f"{one_line(row['record_id'])}\tpartition {row['partition_key']}\t{row['error_class']}: "
                    f"{one_line(row['error_message'])}\t(attempts: {row['attempts']})"
                )
            if not rows:
                click.echo(f"Job {found} has no failed records.")
            for one in others:
                click.echo(
                    f"  {one['failed']:,} of {one['asset_name']}, job {one['id']} ({one['state']}): "
                    f"backfill failures {one['id']}"
                )

        asyncio.run(work())
