"""How many records in scope have a value: counted, and estimated where that takes too long."""

import asyncio
import json
from typing import Final

import asyncpg

from backfill import condition
from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.ledger.passes import Counted
from backfill.modes import Mode
from backfill.producers.parts import Connection

COUNT_SECONDS: Final = 20.0


async def count(connection: Connection, definition: ColumnBackfill, mode: Mode) -> Counted:
    """As of now."""
    target = await resolve(connection, definition, mode)
    async with target.session(connection):
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                with condition.answering(definition):
                    row = await connection.fetchrow(target.statement("count_coverage"))
            assert row is not None  # noqa: S101 - an aggregate always makes one row
            return Counted(row["in_scope"], row["covered"], False)
        except (TimeoutError, asyncpg.QueryCanceledError):
            in_scope = await _planned(connection, target.statement("estimate_in_scope"))
            covered = await _planned(connection, target.statement("estimate_covered"))
            return Counted(in_scope, min(covered, in_scope), True)


async def _planned(connection: Connection, statement: str) -> int:
    """How many rows the planner expects."""
    (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}"))
    return int(plan["Plan"]["Plan Rows"])
