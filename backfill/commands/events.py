"""`backfill events`: what was done to a job, by whom and why."""

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from backfill import door
from backfill.console import json_option, print_json, reporting
from backfill.runner import on_ledger

if TYPE_CHECKING:
    import asyncpg


@click.command()
@click.argument("job", default="latest")
@json_option
def events(job: str, as_json: bool) -> None:
    """List the events of JOB: an id (also of a deleted job), the beginning of one, or latest."""
    with reporting():
        from backfill.ledger import events as history
        from backfill.ledger import jobs

        async def read(connection: "asyncpg.Connection[Any]") -> tuple[UUID, list[Any]]:
            try:
                found = UUID(job)
            except ValueError:
                found = await jobs.find(connection, job)
            rows = await history.listed(connection, found)
            if not rows:
                await jobs.read(connection, found)  # raises: there never was one
            return found, rows

        found, rows = on_ledger("events", read)
        if as_json:
            print_json({"job": str(found), "events": [{**row, "details": json.loads(row["details"])} for row in rows]})
            return
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
