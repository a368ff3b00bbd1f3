"""Turn matching records into partitions: span by span along the key, for a producer and for the closing sweeps."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from backfill import condition, sessions, statements
from backfill.catalog import Target
from backfill.database import Connection
from backfill.errors import ConflictError
from backfill.kinds import packed
from backfill.ledger.job import Job, PlannedPartition
from backfill.ledger.jobs import PRODUCER_LEASE_SECONDS
from backfill.ledger.spans import Bounds, span_names, unpageable


@dataclass(frozen=True)
class Page:
    """What one span gave: new partitions, and where the next span begins."""

    edge: str  # the text of the last key that was dealt with
    read: int  # rows of the table
    found: int  # records
    partitions: list[PlannedPartition] = field(default_factory=list)
    met: dict[str, int] = field(default_factory=dict)  # by a sweep: records that match, by kind


async def read(
    connection: Connection,
    target: Target,
    job: Job,
    bounds: Bounds,
    *,
    rows: int,
    most: int,
    next_number: int,
    ids: list[str] | None = None,
    sweep: int = 0,
    among: tuple[str, str] = ("", ""),
    may_plan: bool = True,
    takes_missed: bool = True,
) -> Page | None:
    """Read one span and plan what it found, in the caller's transaction; None when the range has no more rows.

    A sweep takes what is undone of earlier ones and of the producer's partitions that it is `among`, and of what is in
    none if it `takes_missed`. Raises SchemaError for a key whose text is not the key: its next span would begin before
    its last one ended.
    """
    names = span_names(target, job.sort_order, bounds, ids)
    if sweep:
        names["predicate"] = target.names["leftover"]
    names["rows"] = target.statement("span_rows", **names)
    if sweep:
        names["rows"] = target.statement("unplanned_rows", **names)
    with condition.answering(target.definition):
        found = await connection.fetch(
            target.statement("plan_span", **names),
            bounds.first,
            bounds.last,
            rows,
            packed(ids) if ids else None,
            job.id,
            most,
            job.batch_size,
            next_number,
            sweep,
            may_plan,
            *((*among, takes_missed) if sweep else ()),
        )
    if not found:
        return None
    edge = found[0]
    if not edge["is_beyond"]:
        raise unpageable(target, repr(edge["edge"]))
    partitions = [
        PlannedPartition(job.id, job.mode, row["partition_key"], 0, row["record_ids"])
        for row in found
        if row["partition_key"] is not None
    ]
    return Page(edge["edge"], edge["read"], edge["found"], partitions, json.loads(edge["met"] or "{}"))


async def plan_page(
    connection: Connection,
    target: Target,
    job: Job,
    *,
    producer: UUID,
    cursor: str | None,
    bounds: Bounds,
    rows: int,
    most: int,
    next_number: int,
    ids: list[str] | None,
) -> Page | None:
    """Plan the next span of a producer and move the cursor, in one transaction; None when nothing is left.

    After a crash either both or neither are there. Raises ConflictError when another producer has taken over.
    """
    if cursor is not None:
        bounds = Bounds(cursor, bounds.last, False)
    async with sessions.brief(connection):
        try:
            page = await read(connection, target, job, bounds, rows=rows, most=most, next_number=next_number, ids=ids)
        except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
            # The other one has planned a partition of this number; or the job was deleted, after it had ended.
            raise _taken_over(job) from error
        if page is None:
            return None
        await _advance(connection, job, producer, cursor, page)
    return page


async def plan_keys(
    connection: Connection, job: Job, keys: list[str], *, producer: UUID, cursor: str | None, next_number: int
) -> Page:
    """The same with keys that a definition named, which are not empty; the last of them is the cursor."""
    async with sessions.brief(connection):
        try:
            rows = await connection.fetch(
                statements.read("ledger/planning/plan_keys"), job.id, keys, job.batch_size, next_number
            )
        except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
            raise _taken_over(job) from error
        partitions = [PlannedPartition(job.id, job.mode, row["partition_key"], 0, row["record_ids"]) for row in rows]
        page = Page(keys[-1], len(keys), len(keys), partitions)
        await _advance(connection, job, producer, cursor, page)
    return page


async def _advance(connection: Connection, job: Job, producer: UUID, cursor: str | None, page: Page) -> None:
    """Move the cursor behind the page; raises ConflictError when another producer has done so."""
    moved = await connection.fetchval(
        statements.read("ledger/planning/advance_cursor"),
        job.id,
        producer,
        cursor,
        page.edge,
        len(page.partitions),
        page.found,
        PRODUCER_LEASE_SECONDS,
    )
    if moved is None:
        raise _taken_over(job)


def _taken_over(job: Job) -> ConflictError:
    return ConflictError(
        f"job {job.id} was taken over by another producer, or ended, while this one planned; "
        f"see: backfill status {job.id}"
    )


async def unpublished(connection: Connection, job_id: UUID, most: int) -> list[PlannedPartition]:
    rows = await connection.fetch(statements.read("ledger/planning/unpublished"), job_id, most)
    return [PlannedPartition(**row) for row in rows]


async def mark_published(connection: Connection, job_id: UUID, partition_keys: list[str]) -> None:
    await connection.execute(statements.read("ledger/planning/mark_published"), job_id, partition_keys)


async def count_planned(connection: Connection, job_id: UUID) -> Any:
    """The next partition's number, how many records are in partitions, and how many of those have been queued."""
    return await connection.fetchrow(statements.read("ledger/planning/count_planned"), job_id)


async def finish(connection: Connection, job_id: UUID, producer: UUID) -> None:
    """Say that the job is planned whole; raises ConflictError when this producer no longer leads."""
    if await connection.fetchval(statements.read("ledger/planning/finish"), job_id, producer) is None:
        raise ConflictError(f"job {job_id} was taken over by another producer, or ended; see: backfill status {job_id}")


async def leave(connection: Connection, job_id: UUID, producer: UUID) -> None:
    await connection.fetchval(statements.read("ledger/planning/leave"), job_id, producer)
