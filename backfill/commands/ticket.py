"""`backfill report`: a job as Markdown, for a ticket or a chat."""

from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg

    from backfill.ledger.views.report import Report


@click.command()
@click.argument("job", default="latest")
@json_option
def report(job: str, as_json: bool) -> None:
    """Write a report of JOB as Markdown for a ticket or a chat: an id, its beginning, or latest.

    Status, coverage, passes, rates and capacity, when it will be done, a checklist, failures by group and the timeline.
    Whatever others have written into the ledger stands in code spans.
    """
    with reporting():
        from backfill.ledger import jobs, views

        async def read(connection: "asyncpg.Connection[Any]") -> "Report":
            return await views.report(connection, await jobs.find(connection, job))

        found = on_ledger("report", read)
        if as_json:
            print_json(found.as_json())
        else:
            door.lines(views.markdown(found))
