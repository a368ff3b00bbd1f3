"""How many records in scope have a value: counted, and estimated where that takes too long."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final
from uuid import UUID

import asyncpg

from backfill import condition, texts
from backfill.catalog import Target, need_unchanged, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.ledger import passes
from backfill.ledger.passes import Counted
from backfill.modes import Mode
from backfill.producers.parts import Connection, Parts

COUNT_SECONDS: Final = 20.0
AT_LEAST_SECONDS: Final = 1.0  # for counting beside a planning that is over sooner
MOST_SECONDS: Final = 5.0  # for what a job waits for besides


async def count(connection: Connection, definition: ColumnBackfill, mode: Mode) -> Counted:
    """As of now."""
    target = await resolve(connection, definition, mode)
    async with target.session(connection):
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                return await _counted(connection, definition, target)
        except (TimeoutError, asyncpg.QueryCanceledError):
            return await _estimated(connection, target)


@contextlib.asynccontextmanager
async def beside(parts: Parts, definition: ColumnBackfill, mode: Mode) -> AsyncIterator["asyncio.Future[UUID]"]:
    """Count as of now while a job is opened and planned, and leave it on the job's row, once that is given.

    What takes longer than the planning, and than a second, was estimated before: by then, workers have written. What
    cannot be had is a warning, and stops no job. After a crash the row says nothing.
    """
    job: asyncio.Future[UUID] = asyncio.get_running_loop().create_future()
    began, seen, estimate = time.monotonic(), asyncio.Event(), None
    with _harmless(parts):
        estimate = await _expected(parts, definition, mode)
    counting = asyncio.create_task(_count_beside(parts, definition, mode, job, seen))
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_SECONDS):
                await seen.wait()
        yield job
        if job.done():
            await asyncio.wait({counting}, timeout=max(0.0, began + AT_LEAST_SECONDS - time.monotonic()))
            await _end(counting)
            if estimate is not None:
                with _harmless(parts):
                    async with asyncio.timeout(MOST_SECONDS):
                        await passes.cover(parts.connection, job.result(), estimate)  # unless it was counted
    finally:
        await _end(counting)


async def _end(counting: "asyncio.Task[None]") -> None:
    counting.cancel()
    await asyncio.wait({counting}, timeout=MOST_SECONDS)


@contextlib.contextmanager
def _harmless(parts: Parts) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError):
        pass  # an estimate will do
    except Exception as error:
        parts.report.warn(f"Not counted how many records have a value: {texts.in_a_line(error)}")


async def _count_beside(
    parts: Parts, definition: ColumnBackfill, mode: Mode, job: "asyncio.Future[UUID]", seen: asyncio.Event
) -> None:
    """Sets `seen` as soon as nothing that is written later counts, or when it has failed."""
    try:
        with _harmless(parts):
            async with parts.connect() as connection:
                target = await resolve(connection, definition, mode)
                async with (
                    target.session(connection),
                    asyncio.timeout(COUNT_SECONDS),
                    connection.transaction(isolation="repeatable_read"),
                ):
                    await need_unchanged(connection, target)
                    seen.set()
                    counted = await _counted(connection, definition, target)
                await passes.cover(connection, await job, counted)
    finally:
        seen.set()


async def _expected(parts: Parts, definition: ColumnBackfill, mode: Mode) -> Counted:
    async with asyncio.timeout(MOST_SECONDS):
        target = await resolve(parts.connection, definition, mode)
        async with target.session(parts.connection):
            return await _estimated(parts.connection, target)


async def _counted(connection: Connection, definition: ColumnBackfill, target: Target) -> Counted:
    with condition.answering(definition):
        row = await connection.fetchrow(target.statement("count_coverage"))
    assert row is not None  # noqa: S101 - an aggregate always makes one row
    return Counted(row["in_scope"], row["covered"], False)


async def _estimated(connection: Connection, target: Target) -> Counted:
    in_scope = await _planned(connection, target.statement("estimate_in_scope"))
    covered = await _planned(connection, target.statement("estimate_covered"))
    return Counted(in_scope, min(covered, in_scope), True)


async def _planned(connection: Connection, statement: str) -> int:
    """How many rows the planner expects."""
    (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}"))
    return int(plan["Plan"]["Plan Rows"])
