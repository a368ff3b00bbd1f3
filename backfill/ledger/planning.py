"""Turn matching records into partitions: page by page for a producer, and once more when everything has ended."""

from typing import Any
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.catalog import Target
from backfill.database import Connection
from backfill.errors import ConflictError
from backfill.ledger.jobs import PRODUCER_LEASE_SECONDS, Row


async def bounds(connection: Connection, target: Target) -> tuple[str | None, str | None]:
    """The lowest and highest key there is, as text."""
    row = await connection.fetchrow(target.statement("read_bounds"))
    assert row is not None  # noqa: S101 - two scalar subqueries always make one row
    return row["lower_key"], row["upper_key"]


async def count_matching(connection: Connection, target: Target, upper_key: str, ids: tuple[str, ...]) -> int:
    matched: int = await connection.fetchval(target.statement("count_matching"), upper_key, list(ids) or None)
    return matched


async def plan_page(
    connection: Connection,
    target: Target,
    job: Row,
    *,
    producer: UUID,
    cursor: str | None,
    bounds: tuple[str, str],
    page_size: int,
    next_number: int,
) -> list[Row]:
    """Plan the page after the cursor and move the cursor, in one transaction; an empty list when nothing is left.

    After a crash either both or neither are there. Raises ConflictError when another producer has taken over.
    """
    lower, upper = bounds
    ascending = job["sort_order"] == "asc"
    first, last = (lower, upper) if ascending else (upper, lower)
    after = (">" if ascending else "<") + ("=" if cursor is None else "")
    statement = target.statement(
        "plan_page", after=after, until="<=" if ascending else ">=", direction=job["sort_order"]
    )
    taken_over = ConflictError(
        f"job {job['id']} was taken over by another producer, or ended, while this one planned; "
        f"see: backfill status {job['id']}"
    )
    async with connection.transaction(isolation="read_committed"):
        try:
            pages = await connection.fetch(
                statement,
                job["id"],
                first if cursor is None else cursor,  # a key may be an empty text
                last,
                page_size,
                job["batch_size"],
                next_number,
                job["record_ids"],
            )
        except asyncpg.UniqueViolationError as error:  # the other one has planned a partition of this number
            raise taken_over from error
        if not pages:
            return []
        pages.sort(key=lambda page: str(page["partition_key"]))
        moved = await connection.fetchval(
            statements.read("ledger/advance_cursor"),
            job["id"],
            producer,
            cursor,
            pages[-1]["record_ids"][-1],
            len(pages),
            sum(len(page["record_ids"]) for page in pages),
            PRODUCER_LEASE_SECONDS,
        )
        if moved is None:
            raise taken_over
    return pages


async def sweep(connection: Connection, target: Target, job: Any) -> int:
    """Plan records that match but were missed: written behind the cursor by a transaction that committed late.

    The caller holds the job row. Returns how many records were found.
    """
    planned = await connection.fetchrow(statements.read("ledger/count_planned"), job["id"])
    assert planned is not None  # noqa: S101 - an aggregate always makes one row
    room = (job["record_limit"] or 2**62) - planned["records"]
    if room <= 0:
        return 0
    rows = await connection.fetch(
        target.statement("plan_sweep"),
        job["id"],
        job["upper_key"],
        job["batch_size"],
        planned["next_number"],
        min(room, 1_000_000),
    )
    return sum(len(row["record_ids"]) for row in rows)


async def unpublished(connection: Connection, job: UUID, most: int) -> list[Row]:
    return await connection.fetch(statements.read("ledger/list_unpublished"), job, most)


async def mark_published(connection: Connection, job: UUID, partition_keys: list[str]) -> None:
    await connection.execute(statements.read("ledger/mark_published"), job, partition_keys)


async def count_planned(connection: Connection, job: UUID) -> Row:
    row: Row | None = await connection.fetchrow(statements.read("ledger/count_planned"), job)
    assert row is not None  # noqa: S101 - an aggregate always makes one row
    return row


async def finish(connection: Connection, job: UUID, producer: UUID) -> None:
    """Say that the job is planned whole; raises ConflictError when this producer no longer leads."""
    if await connection.fetchval(statements.read("ledger/finish_planning"), job, producer) is None:
        raise ConflictError(f"job {job} was taken over by another producer, or ended; see: backfill status {job}")


async def leave(connection: Connection, job: UUID, producer: UUID) -> None:
    await connection.fetchval(statements.read("ledger/leave_job"), job, producer)
