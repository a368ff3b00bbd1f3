"""`backfill failures`: the records of a job that failed."""

import asyncio

import click

from backfill.console import json_option, need_database, print_json, read_settings, reporting

MOST = 10_000


@click.command()
@click.argument("job", default="latest")
@json_option
def failures(job: str, as_json: bool) -> None:
    """List the failed records of JOB: an id, its beginning, or latest."""
    with reporting():
        from backfill import database, schema
        from backfill.ledger import jobs

        url = need_database(read_settings())

        async def work() -> None:
            async with database.connected(url, name="backfill-failures") as connection:
                await schema.check(connection)
                found = await jobs.find(connection, job)
                rows = await jobs.failures(connection, found, MOST)
            if as_json:
                print_json({"job": str(found), "failures": [dict(row) for row in rows]})
                return
            for row in rows:
                click.echo(
                    f"{row['record_id']}\tpartition {row['partition_key']}\t{row['error_class']}: "
                    f"{row['error_message']}\t(attempts: {row['attempts']})"
                )
            if not rows:
                click.echo("No failed records.")

        asyncio.run(work())
