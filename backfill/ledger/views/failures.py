"""The failed records of a job: page by page, and in groups of one error."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs
from backfill.ledger.views import cursor, page
from backfill.ledger.views.page import Item, Page
from backfill.texts import clean

MOST_GROUPS: Final = 100
MOST_GROUPED: Final = 10_000  # of the newest failures
GROUP: Final = ("error_class", "message", "failed", "first_record", "sample", "first_at", "last_at")


@dataclass(frozen=True)
class Groups:
    """Failures by error and shape of the message, the most frequent first."""

    items: list[Item]
    looked_at: int  # failed records that are in the groups
    is_cut: bool  # there are more failures, or more groups, than were looked at


async def failure_page(
    connection: Connection, job_id: UUID, *, error_class: str | None, cursor: str | None, limit: int
) -> Page:
    """The newest first, those of one error class where given; raises NotFoundError, or UsageError for a wrong call."""
    (behind,) = _behind(cursor)
    name = None if error_class is None else clean(error_class)
    if name is None:
        rows = await connection.fetch(statements.read("ledger/views/failure_page"), job_id, behind, page.asked(limit))
    else:
        rows = await connection.fetch(
            statements.read("ledger/views/failure_page_of_class"), job_id, behind, page.asked(limit), name
        )
    if not rows:
        await jobs.read(connection, job_id)
    return page.made("failures", rows, limit, place=("id",), item=_item)


async def failure_groups(connection: Connection, job_id: UUID) -> Groups:
    """At most a hundred groups of the newest ten thousand failures; raises NotFoundError."""
    rows = await connection.fetch(statements.read("ledger/views/failure_groups"), job_id, MOST_GROUPED, MOST_GROUPS + 1)
    if not rows:
        await jobs.read(connection, job_id)
        return Groups([], 0, False)
    items = [{name: row[name] for name in GROUP} for row in rows[:MOST_GROUPS]]
    return Groups(items, rows[0]["looked_at"], rows[0]["is_cut"] or len(rows) > MOST_GROUPS)


def _behind(given: str | None) -> list[Any]:
    return cursor.decode("failures", given, [cursor.number])


def _item(row: asyncpg.Record) -> Item:
    return dict(row) | {"id": str(row["id"])}
