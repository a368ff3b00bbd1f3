"""How many records in scope have a value: counted, and estimated where that takes too long."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import asyncpg

from backfill import condition
from backfill.catalog import Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.errors import BackfillError
from backfill.ledger import passes
from backfill.ledger.passes import Counted
from backfill.modes import Mode
from backfill.producers.parts import Parts

COUNT_SECONDS: Final = 20.0
AT_LEAST_SECONDS: Final = 1.0  # for counting beside a planning that is over sooner
# A count that cannot be had stops no job, whose records are counted anyway.
WITHOUT: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, BackfillError, OSError, TimeoutError)


async def count(
    connection: Connection, definition: ColumnBackfill, mode: Mode, seconds: float | None = None
) -> Counted:
    """As of now; estimated where it takes longer than so many seconds."""
    target = await resolve(connection, definition, mode)
    async with target.session(connection):
        try:
            async with asyncio.timeout(COUNT_SECONDS if seconds is None else seconds):
                with condition.answering(definition):
                    row = await connection.fetchrow(target.statement("count_coverage"))
            assert row is not None  # noqa: S101 - an aggregate always makes one row
            return Counted(row["in_scope"], row["covered"], False)
        except (TimeoutError, asyncpg.QueryCanceledError):
            return await _estimated(connection, target)


@contextlib.asynccontextmanager
async def beside(parts: Parts, definition: ColumnBackfill, mode: Mode) -> AsyncIterator["asyncio.Future[UUID]"]:
    """Count as of now while a job is opened and planned, and leave it on the job's row, once that is given.

    What takes longer than the planning, and than a second, is estimated instead. After a crash the row says nothing.
    """
    job: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()
    began, counting = time.monotonic(), asyncio.create_task(_count_beside(parts, definition, mode, job))
    try:
        yield job
        if job.done():
            await asyncio.wait({counting}, timeout=max(0.0, began + AT_LEAST_SECONDS - time.monotonic()))
            if not counting.done():
                await _end(counting)
                with contextlib.suppress(*WITHOUT):
                    target = await resolve(parts.connection, definition, mode)
                    async with target.session(parts.connection):
                        estimate = await _estimated(parts.connection, target)
                    await passes.cover(parts.connection, job.result(), estimate)
    finally:
        await _end(counting)


async def _end(counting: "asyncio.Task[None]") -> None:
    counting.cancel()
    await asyncio.wait({counting})
    if not counting.cancelled():
        counting.result()


async def _count_beside(parts: Parts, definition: ColumnBackfill, mode: Mode, job: "asyncio.Future[UUID]") -> None:
    with contextlib.suppress(*WITHOUT):
        async with parts.connect() as connection:
            counted = await count(connection, definition, mode)
            await passes.cover(connection, await job, counted)


async def _estimated(connection: Connection, target: Target) -> Counted:
    in_scope = await _planned(connection, target.statement("estimate_in_scope"))
    covered = await _planned(connection, target.statement("estimate_covered"))
    return Counted(in_scope, min(covered, in_scope), True)


async def _planned(connection: Connection, statement: str) -> int:
    """How many rows the planner expects."""
    (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}"))
    return int(plan["Plan"]["Plan Rows"])
