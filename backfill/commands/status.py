"""`backfill status`: how far a job is."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from backfill.console import json_option, need_database, print_json, read_settings, reporting

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress


@click.command()
@click.argument("job", default="latest")
@json_option
def status(job: str, as_json: bool) -> None:
    """Show how far JOB is: an id, its beginning, or latest."""
    with reporting():
        from backfill import database, schema
        from backfill.ledger import jobs, progress

        url = need_database(read_settings())

        async def read() -> "Progress":
            async with database.connected(url, name="backfill-status") as connection:
                await schema.check(connection)
                return await progress.read(connection, await jobs.find(connection, job))

        now = asyncio.run(read())
        if as_json:
            print_json(now.as_json())
        else:
            click.echo("\n".join(lines(now)))


def lines(now: "Progress") -> Iterator[str]:
    """The job's progress as plain lines."""
    yield f"Job {now.job}: {now.backfill}, mode {now.mode}, priority {now.priority}"
    since = now.completed_at or now.paused_at or now.started_at or now.created_at
    yield f"State: {now.state.value} since {since:%Y-%m-%d %H:%M:%S} UTC" + (
        f" ({now.error_message})" if now.error_message else ""
    )
    planning = "" if now.is_planned else ", still planning"
    yield (
        f"Partitions: {now.completed_partitions:,}/{now.total_partitions:,} completed, "
        f"{now.failed_partitions:,} failed, {now.skipped_partitions:,} skipped, "
        f"{now.running_partitions:,} running{planning}"
    )
    yield (
        f"Records: {now.done:,}/{now.matched:,} ({100 * now.share:.1f}%) | Updated: {now.updated:,} | "
        f"Unchanged: {now.unchanged:,} | Skipped: {now.skipped:,} | Failed: {now.failed:,} | Deleted: {now.deleted:,}"
    )
    for reason, count in now.skip_reasons.items():
        yield f"  skipped {count:,}: {reason}"
    if now.failed:
        yield f"  see the failed records with: backfill failures {now.job}"
    if now.waiting_partitions:
        yield f"Retries: {now.waiting_partitions:,} partitions wait, the next until {now.next_retry_at:%H:%M:%S} UTC"
    if now.rate is not None:
        left = f" | about {duration(now.seconds_left)} left" if now.seconds_left else ""
        yield f"Rate: {now.rate:,.1f}/sec{left}"


def duration(seconds: float | None) -> str:
    """Seconds in the two largest units, such as 1 h 05 min."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
