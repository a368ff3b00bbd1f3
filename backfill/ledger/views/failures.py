"""The failed records of a job: page by page, and in groups of one error."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs
from backfill.ledger.views import cursor as cursors
from backfill.ledger.views import page
from backfill.ledger.views.page import Item, Page
from backfill.texts import clean

MOST_GROUPS: Final = 100
MOST_GROUPED: Final = 10_000  # of the newest failures
GROUP: Final = ("error_class", "message", "failed", "first_record", "sample", "first_at", "last_at")


@dataclass(frozen=True)
class Groups:
    """Failures by error and shape of the message, the most frequent first."""

    items: list[Item]
    looked_at: int  # failed records that were grouped
    is_cut: bool  # there are more failures than were looked at, or more groups than are here
    next_cursor: str | None = None


async def failure_page(
    connection: Connection,
    job_id: UUID,
    *,
    error_class: str | None,
    cursor: str | None,
    limit: int,
    message: str | None = None,
) -> Page:
    """The newest first, those of one error class and of a group's message where given.

    A message is looked for in the next ten thousand failures. Raises NotFoundError, or UsageError for a wrong call.
    """
    (behind,) = _behind(cursor)
    name = None if error_class is None else clean(error_class)
    if message is not None:
        rows = await connection.fetch(
            statements.read("ledger/views/failure_page_of_group"),
            job_id,
            behind,
            page.asked(limit),
            name,
            message,
            MOST_GROUPED,
        )
    elif name is None:
        rows = await connection.fetch(statements.read("ledger/views/failure_page"), job_id, behind, page.asked(limit))
    else:
        rows = await connection.fetch(
            statements.read("ledger/views/failure_page_of_class"), job_id, behind, page.asked(limit), name
        )
    if not rows:
        await jobs.read(connection, job_id)
    return page.made("failures", rows, limit, place=("id",), item=_item)


async def failure_groups(
    connection: Connection, job_id: UUID, *, cursor: str | None = None, limit: int = MOST_GROUPS
) -> Groups:
    """Some groups of the newest ten thousand failures; raises NotFoundError, or UsageError for a wrong call.

    All pages are of the failures that the first one was of.
    """
    newest, behind = cursors.decode("failures/groups", cursor, [cursors.number, cursors.number])
    # An order by number has no key to go on behind: those before are read too, and there are no more than failures.
    shown = min(behind or 0, MOST_GROUPED)
    rows = await connection.fetch(
        statements.read("ledger/views/failure_groups"), job_id, MOST_GROUPED, shown + page.asked(limit), newest
    )
    rows = rows[shown:]
    if not rows:
        await jobs.read(connection, job_id)
        return Groups([], 0, False)
    items = [{name: row[name] for name in GROUP} for row in rows[:limit]]
    has_more = len(rows) > limit
    following = cursors.encode("failures/groups", rows[0]["newest"], shown + limit) if has_more else None
    return Groups(items, rows[0]["looked_at"], rows[0]["is_cut"] or has_more, following)


def _behind(given: str | None) -> list[Any]:
    return cursors.decode("failures", given, [cursors.number])


def _item(row: asyncpg.Record) -> Item:
    return dict(row) | {"id": str(row["id"])}
