"""`backfill failures`: the records of a job that failed."""

import asyncio
import csv
import sys

import click

from backfill.console import json_option, ledger, print_json, read_settings, reporting

MOST = 100_000
COLUMNS = ("record_id", "partition_key", "error_class", "error_message", "attempts", "failed_at")


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
            if as_json:
                print_json({"job": str(found), "failures": [dict(row) for row in rows]})
                return
            if as_csv:
                writer = csv.writer(sys.stdout)
                writer.writerow(COLUMNS)
                writer.writerows([row[name] for name in COLUMNS] for row in rows)
                return
            for row in rows:
                click.echo(
                    f"{row['record_id']}\tpartition {row['partition_key']}\t{row['error_class']}: "
                    f"{row['error_message']}\t(attempts: {row['attempts']})"
                )
            if not rows:
                click.echo("No failed records.")

        asyncio.run(work())
