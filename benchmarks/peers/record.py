"""The work of one record, in a thread or a coroutine: load its inputs, compute, write where the column is NULL."""

import os
import threading
from typing import Any

import asyncpg
import psycopg
from psycopg.rows import dict_row

from backfill import Skip
from backfill.examples.killmails import KillmailValues
from benchmarks.marks import Mark

DEFINITION = KillmailValues()
# The definition's query for a single record: planned for one id, it takes half the time of one planned for an array.
LOAD = DEFINITION.inputs.replace("= ANY ($1::bigint[])", "= $1::bigint")
assert "ANY" not in LOAD
APPLY = """
UPDATE killmails SET total_value = $2, destroyed_value = $3, dropped_value = $4
WHERE killmail_id = $1 AND total_value IS NULL
"""
mark = Mark()
_thread = threading.local()


def recompute(killmail_id: int) -> None:
    """On a connection that the thread keeps."""
    cursor = _cursor()  # connecting is not counted
    mark.begin()
    row = cursor.execute(LOAD, [killmail_id], prepare=True).fetchone()
    if values := _values(killmail_id, row):
        cursor.execute(APPLY, values, prepare=True)
    mark.done()


async def recompute_async(pool: "asyncpg.Pool[Any]", killmail_id: int) -> None:
    """On one of the process's connections."""
    async with pool.acquire() as connection:
        mark.begin()
        row = await connection.fetchrow(LOAD, killmail_id)
        if values := _values(killmail_id, row):
            await connection.execute(APPLY, *values)
    mark.done()


def _values(killmail_id: int, row: Any) -> tuple[Any, ...] | None:
    computed = DEFINITION.compute(row)
    return None if isinstance(computed, Skip) else (killmail_id, *(computed[name] for name in DEFINITION.columns))


def _cursor() -> Any:
    if not hasattr(_thread, "cursor"):
        connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, row_factory=dict_row)
        _thread.cursor = psycopg.RawCursor(connection)  # takes $1 as the definition's SQL has it
    return _thread.cursor
