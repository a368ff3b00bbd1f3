"""The partitions of a job, page by page, and one of them with its records."""

from typing import Any, Final
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.errors import NotFoundError, UsageError
from backfill.ledger import jobs
from backfill.ledger.views import cursor, page
from backfill.ledger.views.page import Item, Page
from backfill.states import PartitionState
from backfill.texts import clean

MOST_FAILURES: Final = 1_000  # of one partition


async def partition_page(
    connection: Connection,
    job_id: UUID,
    *,
    states: list[str] | None,
    cursor: str | None,
    limit: int,
    first_key: str | None = None,
    last_key: str | None = None,
) -> Page:
    """In order of work, those in one of the states, or all, between two keys where given.

    Raises NotFoundError, or UsageError for a wrong call.
    """
    unknown = {*(states or ())} - {*PartitionState}
    if unknown:
        raise UsageError(f"there is no state {clean(min(unknown), 100)!r}; there are: {', '.join(PartitionState)}")
    (behind,) = _behind(cursor)
    span = [None if key is None else _key(key) for key in (first_key, last_key)]
    rows = await connection.fetch(
        statements.read("ledger/views/partition_page"), job_id, states or None, behind, page.asked(limit), *span
    )
    if not rows:
        await jobs.read(connection, job_id)
    return page.made("partitions", rows, limit, place=("partition_key",), item=_item)


async def partition(connection: Connection, job_id: UUID, key: str) -> Item:
    """One with its record ids, what is left of them, and those that failed; raises NotFoundError."""
    row = await connection.fetchrow(statements.read("ledger/views/partition"), job_id, clean(key, 100))
    if row is None:
        await jobs.read(connection, job_id)
        raise NotFoundError(f"job {job_id} has no partition {clean(key, 100)!r}; its first one is 000000001")
    failed: list[asyncpg.Record] = []
    if row["failed"]:
        failed = await connection.fetch(
            statements.read("ledger/views/partition_failures"), job_id, row["partition_key"], MOST_FAILURES
        )
    return _item(row) | {"failures": [dict(one) | {"id": str(one["id"])} for one in failed]}


def _behind(given: str | None) -> list[Any]:
    return cursor.decode("partitions", given, [cursor.key])


def _key(given: str) -> str:
    try:
        return cursor.key(given)
    except ValueError:
        raise UsageError(f"{clean(given, 100)!r} is no key of a partition; the first one is 000000001") from None


def _item(row: asyncpg.Record) -> Item:
    return dict(row) | {"worker": row["worker"] and str(row["worker"])}
