"""`backfill status`: how far a job is."""

from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.commands.report import lines
from backfill.console import json_option, print_json, read_settings, reporting
from backfill.eventloop import run
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg

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
        from backfill.ledger import jobs, progress

        async def read(connection: "asyncpg.Connection[Any]") -> "Progress":
            return await progress.read(connection, await jobs.find(connection, job))

        if watch:
            from backfill.commands.watch import follow

            run(follow(read_settings(), job, interval, as_json=as_json))
            return
        now = on_ledger("status", read)
        if as_json:
            print_json(now.as_json())
        else:
            for line in lines(now):
                door.line(line)
