"""What has happened, page by page, the newest first."""

import json
from typing import Any
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs
from backfill.ledger.views import cursor, page
from backfill.ledger.views.page import Item, Page


async def event_page(connection: Connection, job_id: UUID | None, *, cursor: str | None, limit: int) -> Page:
    """Of one job, also of a deleted one, or None of all; raises NotFoundError where there never was such a job."""
    (behind,) = _behind(cursor)
    if job_id is None:
        rows = await connection.fetch(statements.read("ledger/views/event_page"), behind, page.asked(limit))
    else:
        rows = await connection.fetch(
            statements.read("ledger/views/event_page_of_job"), behind, page.asked(limit), job_id
        )
    if not rows and job_id is not None and behind is None:
        await jobs.read(connection, job_id)
    return page.made("events", rows, limit, place=("id",), item=_item)


def _behind(given: str | None) -> list[Any]:
    return cursor.decode("events", given, [cursor.number])


def _item(row: asyncpg.Record) -> Item:
    return dict(row) | {
        "id": str(row["id"]),
        "job": row["job"] and str(row["job"]),
        "details": json.loads(row["details"]),
    }
