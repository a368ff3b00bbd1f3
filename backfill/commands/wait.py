"""`backfill wait`: until a job has ended; the exit code tells how."""

import asyncio
import sys

import click

from backfill.commands.report import lines
from backfill.commands.selection import Duration
from backfill.console import json_option, ledger, print_json, read_settings, reporting
from backfill.states import ENDED, JobState

EXIT_FAILED, EXIT_CANCELLED, EXIT_TIMEOUT = 7, 8, 75
POLL_SECONDS = 0.5


@click.command(
    epilog="""\b
Exit codes: 0 completed, 7 failed or completed with failed records, 8 cancelled, 75 not ended in time."""
)
@click.argument("job", default="latest")
@click.option("--timeout", type=Duration(), metavar="TIME", help="Wait at most so long, such as 90s, 10m, 2h.")
@json_option
def wait(job: str, timeout: float | None, as_json: bool) -> None:
    """Wait until JOB has ended."""
    with reporting():
        from backfill import schema
        from backfill.ledger import jobs, progress

        async def until_ended() -> progress.Progress:
            async with ledger(read_settings(), "wait") as connection:
                await schema.check(connection)
                found = await jobs.find(connection, job)
                deadline = asyncio.get_running_loop().time() + (timeout if timeout is not None else float("inf"))
                while True:
                    now = await progress.read(connection, found)
                    left = deadline - asyncio.get_running_loop().time()
                    if now.state in ENDED or left <= 0:
                        return now
                    await asyncio.sleep(min(POLL_SECONDS, left))

        now = asyncio.run(until_ended())
    if as_json:
        print_json(now.as_json())
    else:
        click.echo("\n".join(lines(now)))
    if now.state not in ENDED:
        sys.exit(EXIT_TIMEOUT)
    if now.state is JobState.CANCELLED:
        sys.exit(EXIT_CANCELLED)
    if now.state is JobState.FAILED or now.failed:
        sys.exit(EXIT_FAILED)
