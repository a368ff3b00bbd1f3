"""Jobs as a list shows them, page by page."""

from typing import Any
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.errors import UsageError
from backfill.ledger.views import cursor, page
from backfill.ledger.views.page import Item, Page
from backfill.states import OUTCOMES, JobState
from backfill.texts import clean


async def job_page(
    connection: Connection, *, states: list[str] | None, backfill: str | None, cursor: str | None, limit: int
) -> Page:
    """The newest first, in one of the states and of one backfill where given; raises UsageError for a wrong call.

    The counts are those of the jobs' rows: at most a second old while a worker leads the job.
    """
    unknown = {*(states or ())} - {*JobState}
    if unknown:
        raise UsageError(f"there is no state {clean(min(unknown), 100)!r}; there are: {', '.join(JobState)}")
    created_at, job_id = _behind(cursor)
    rows = await connection.fetch(
        statements.read("ledger/views/job_page"),
        states or None,
        None if backfill is None else clean(backfill),
        created_at,
        job_id,
        page.asked(limit),
    )
    return page.made("jobs", rows, limit, place=("created_at", "job"), item=item)


def _behind(given: str | None) -> list[Any]:
    return cursor.decode("jobs", given, [cursor.moment, UUID])


def item(row: asyncpg.Record) -> Item:
    """A job as lists have it."""
    return dict(row) | {
        "job": str(row["job"]),
        "first_job": row["first_job"] and str(row["first_job"]),
        "done": sum(row[outcome] for outcome in OUTCOMES),
    }
