"""`backfill delete`: forget one ended job, or all that ended long ago, each in a transaction of its own."""

import sys
from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.selection import Duration, confirm, show
from backfill.console import json_option, note, print_json, reporting
from backfill.errors import BackfillError, NotFoundError, UsageError
from backfill.runner import on_ledger
from backfill.states import ENDED, JobState

if TYPE_CHECKING:
    from backfill.database import Connection


@click.command()
@click.argument("job", required=False)
@click.option(
    "--older-than",
    type=Duration(needs_unit=True),
    metavar="TIME",
    help="All jobs that ended longer ago, such as 30d, 12h, 90m.",
)
@click.option(
    "--state",
    type=click.Choice([state.value for state in JobState if state in ENDED]),
    help="Of those only jobs in this state.",
)
@click.option("--backfill", "asset_name", metavar="NAME", help="Of those only jobs of this backfill.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def delete(
    job: str | None,
    older_than: float | None,
    state: str | None,
    asset_name: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Forget ended JOB with its partitions and failures; its events stay. Or many: all that ended long ago."""
    with reporting():
        if job is not None and (older_than is not None or state or asset_name):
            raise UsageError("give a JOB, or --older-than with --state or --backfill, to delete")
        if job is not None:
            _one(job, yes, as_json)
        elif older_than is not None:
            _many(older_than, [state] if state else [one.value for one in ENDED], asset_name, yes, as_json)
        else:
            raise UsageError(
                "which job? give an id, the beginning of one or latest; or --older-than=30d to delete what ended before"
            )


def _one(job: str, yes: bool, as_json: bool) -> None:
    from backfill.ledger import jobs, operations

    async def work(connection: "Connection") -> str:
        found = await jobs.find(connection, job)
        if not yes:
            confirm(f"delete job {found}?")
        await operations.delete(connection, found, actor=actor())
        return str(found)

    deleted = on_ledger("delete", work)
    if as_json:
        print_json({"job": deleted, "deleted": True})
    else:
        door.line(f"Job {deleted} was deleted; its events stay: backfill events {deleted}")


def _many(older_than: float, states: list[str], asset_name: str | None, yes: bool, as_json: bool) -> None:
    """Those that cannot be deleted are reported and the others are; who was faster has deleted them as well."""
    from backfill.ledger import jobs, operations

    refused: list[BackfillError] = []

    async def work(connection: "Connection") -> list[dict[str, Any]]:
        results = []
        found = await jobs.select(connection, states, asset_name, ended_for=older_than)
        for one in show("delete", found, yes=yes):
            try:
                await operations.delete(connection, one, actor=actor())
            except NotFoundError:
                continue
            except BackfillError as error:
                note(f"error: {error}")
                refused.append(error)
                told = {"text": str(error), "exit_code": error.exit_code}
                results.append({"job": str(one), "deleted": False, "error": told})
            else:
                results.append({"job": str(one), "deleted": True})
        return results

    results = on_ledger("delete", work)
    if as_json:
        print_json({"jobs": results})
    else:
        count = sum(result["deleted"] for result in results)
        door.line(f"{count:,} {'job was' if count == 1 else 'jobs were'} deleted; their events stay.")
    if refused:
        sys.exit(refused[0].exit_code)
