"""`backfill set` and `retry`: one job at a time."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from backfill import door
from backfill.actor import actor
from backfill.console import json_option, print_json, reporting
from backfill.modes import MOST_IDS, Priority
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg

NONE: Final = "none"


class Deadline(click.DateTime):
    """A time, or none."""

    name = "deadline"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        del param, ctx
        return f"[none|{'|'.join(self.formats)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return NONE if value == NONE else super().convert(value, param, ctx)


@click.command("set")
@click.argument("job")
@click.option(
    "--priority", type=click.Choice([priority.value for priority in Priority]), help="Which of the three queues."
)
@click.option("--max-workers", type=click.IntRange(0, 10_000), help="Workers that claim at once; 0 for any number.")
@click.option("--pause-ms", type=click.IntRange(0, 10_000), help="How long a slot rests after each partition.")
@click.option(
    "--deadline",
    type=Deadline(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="When the job should be done, in UTC; none to take its deadline away.",
)
@json_option
def set_(
    job: str,
    priority: str | None,
    max_workers: int | None,
    pause_ms: int | None,
    deadline: "datetime | str | None",
    as_json: bool,
) -> None:
    """Change how active JOB is worked on; running workers obey from their next claim on."""
    if (priority, max_workers, pause_ms, deadline) == (None, None, None, None):
        raise click.UsageError("give at least one of --priority, --max-workers, --pause-ms, --deadline")
    with reporting():
        from backfill.ledger import jobs, operations

        async def work(connection: "asyncpg.Connection[Any]") -> operations.Done:
            return await operations.set_job(
                connection,
                await jobs.find(connection, job),
                actor=actor(),
                priority=priority,
                max_workers=max_workers,
                pause_ms=pause_ms,
                deadline=deadline.replace(tzinfo=UTC) if isinstance(deadline, datetime) else None,
                clears_deadline=deadline == NONE,
            )

        done = on_ledger("set", work)
        if as_json:
            print_json(done.as_json())
        else:
            door.line(done.text)


@click.command()
@click.argument("job")
@click.option("--error-class", metavar="CLASS", help="Only records that failed with this error.")
@click.option("--message", metavar="TEXT", help="Only those with this message, as a group of failures shows it.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record; repeatable.")
@json_option
def retry(job: str, error_class: str | None, message: str | None, ids: tuple[str, ...], as_json: bool) -> None:
    """Open a job over the failed records of ended JOB, all or some, and link the two."""
    if len(ids) > MOST_IDS:
        raise click.UsageError(f"at most {MOST_IDS:,} --id; choose by --error-class instead")
    with reporting():
        from backfill.ledger import jobs, operations

        async def work(connection: "asyncpg.Connection[Any]") -> tuple[str, str, int]:
            parent = await jobs.find(connection, job)
            opened, records = await operations.retry(
                connection, parent, actor=actor(), these=operations.Failed(error_class, message, ids)
            )
            return str(parent), str(opened), records

        parent, opened, records = on_ledger("retry", work)
        if as_json:
            print_json({"job": opened, "parent": parent, "records": records})
        else:
            door.line(f"Job {opened} tries {records:,} failed records of {parent} again; workers publish it.")
