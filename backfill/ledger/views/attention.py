"""What needs somebody to look, the worst first, each with a sentence and the command to begin with."""

from datetime import datetime
from typing import Final

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.ledger.views.page import Item
from backfill.texts import one_line, percent

MOST: Final = 50


async def attention(connection: Connection) -> list[Item]:
    """At most fifty; what waits in RabbitMQ is not known here."""
    rows = await connection.fetch(statements.read("ledger/views/attention"), MOST)
    return [
        {"kind": row["kind"], "text": _text(row), "job": row["job"], "backfill": row["backfill"], "next": _next(row)}
        for row in rows
    ]


def _text(row: asyncpg.Record) -> str:
    name = f"{one_line(row['backfill'])}:"
    how_far = f"{row['done']:,} of {row['matched']:,} records done"
    match row["kind"]:
        case "producer_gone":
            return f"{name} its producer has gone before the job was planned whole, {row['matched']:,} records are"
        case "no_worker":
            return f"{name} no live worker serves it, the job is {row['state']}, {how_far}"
        case "paused_by_definition":
            return f"{name} a worker has paused it: {one_line(row['reason'] or 'the definition or table is wrong')}"
        case "stuck":
            return f"{name} nothing has ended for 5 minutes or nobody leads it, {how_far}{_silence(row)}"
        case "deadline_breached":
            return f"{name} its deadline was {_at(row['sla_deadline_at'])}, {how_far}"
        case "deadline_at_risk":
            last = row["latest_completion_at"] or row["estimated_completion_at"]
            return f"{name} it may end at {_at(last)}, its deadline is {_at(row['sla_deadline_at'])}"
        case "job_failed":
            return f"{name} the job failed: {one_line(row['error_message'] or 'without a message')}"
        case _:
            share = percent(row["failed"], row["done"])
            left = f", {row['untaken']:,} of them in no retry" if row["untaken"] else ""
            return f"{name} {row['failed']:,} records failed, {share} of those done{left}; the job is {row['state']}"


def _next(row: asyncpg.Record) -> str:
    job = row["job"]
    match row["kind"]:
        case "producer_gone":
            return f"backfill-queue --resume {job}"
        case "no_worker":
            return "backfill-worker"
        case "paused_by_definition":
            return f"backfill resume {job}" + (" --accept-definition" if row["has_changed"] else "")
        case "stuck":
            return f"backfill reset-stuck {job}"
        case "deadline_breached":
            return f"backfill status {job}"
        case "deadline_at_risk":
            return f"backfill set {job} --priority high --max-workers 0 --pause-ms 0"
        case _:
            return f"backfill failures {job}"


def _silence(row: asyncpg.Record) -> str:
    return f", its last heartbeat was {row['heartbeat_seconds'] / 60:,.0f} minutes ago"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
