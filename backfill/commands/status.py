"""`backfill status`: how far a job is."""

import asyncio
from typing import TYPE_CHECKING

import click

from backfill.commands.report import lines
from backfill.console import json_option, ledger, print_json, read_settings, reporting

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress


@click.command()
@click.argument("job", default="latest")
@click.option("--watch", is_flag=True, help="Go on showing it until the job has ended; Ctrl-C stops the watching.")
@click.option(
    "--interval", type=click.FloatRange(0.2, 3600), default=1.0, show_default=True, help="Seconds between looks."
)
@json_option
def status(job: str, watch: bool, interval: float, as_json: bool) -> None:
    """Show how far JOB is: an id, its beginning, or latest."""
    with reporting():
        from backfill import schema
        from backfill.ledger import jobs, progress

        settings = read_settings()

        async def read() -> "Progress":
            async with ledger(settings, "status") as connection:
                await schema.check(connection)
                return await progress.read(connection, await jobs.find(connection, job))

        if watch:
            from backfill.commands.watch import follow

            asyncio.run(follow(settings, job, interval, as_json=as_json))
            return
        now = asyncio.run(read())
        if as_json:
            print_json(now.as_json())
        else:
            click.echo("\n".join(lines(now)))
