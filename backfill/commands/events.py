"""`backfill events`: what was done to a job, by whom and why."""

import json
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from backfill import door
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg

MOST: Final = 100


@click.command()
@click.argument("job", required=False)
@click.option("--without-job", is_flag=True, help=f"The last {MOST} that are about no job, as dropped dead messages.")
@json_option
def events(job: str | None, without_job: bool, as_json: bool) -> None:
    """List the events of JOB: an id (also of a deleted job), the beginning of one, or latest, which is the default."""
    if job and without_job:
        raise click.UsageError("of a job, or --without-job? give one of them")
    with reporting():
        from backfill.ledger import events as history
        from backfill.ledger import jobs

        async def read(connection: "asyncpg.Connection[Any]") -> tuple[UUID | None, list[Any]]:
            if without_job:
                return None, await history.without_job(connection, MOST)
            reference = job or "latest"
            try:
                found = UUID(reference)
            except ValueError:
                found = await jobs.find(connection, reference)
            rows = await history.listed(connection, found)
            if not rows:
                await jobs.read(connection, found)  # raises: there never was one
            return found, rows

        found, rows = on_ledger("events", read)
        if as_json:
            print_json(
                {
                    "job": found and str(found),
                    "events": [{**row, "details": json.loads(row["details"])} for row in rows],
                }
            )
            return
        if not rows:
            door.line("Nothing has happened that is about no job.")
        for row in rows:
            states = f"{row['from_state'] or ''} -> {row['to_state']}" if row["to_state"] else ""
            details = row["details"] if row["details"] != "{}" else ""
            parts = (
                f"{row['at']:%Y-%m-%d %H:%M:%S}",
                row["event"],
                states,
                row["actor"] if row["login"] in (None, row["actor"]) else f"{row['actor']} as {row['login']}",
                row["reason"] or "",
                details,
            )
            door.line("  ".join(part for part in parts if part))
