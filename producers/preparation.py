"""Before anything is written: what the request means for this database, and what a dry run shows."""

import asyncio
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg

from backfill.catalog import Target, resolve
from backfill.definition import ColumnBackfill
from backfill.errors import UsageError
from backfill.ledger import planning
from backfill.ledger.jobs import Request

COUNT_SECONDS = 20.0


@dataclass(frozen=True)
class Preparation:
    """A request held against the database as it is now."""

    target: Target
    request: Request
    lower_key: str | None  # None in an empty table
    upper_key: str | None
    matched: int  # at most the limit
    is_estimate: bool
    warnings: list[str]

    @property
    def batches(self) -> int:
        return math.ceil(self.matched / self.request.batch_size)

    @property
    def key_range(self) -> tuple[Decimal | None, Decimal | None]:
        """The numeric keys that the job may touch; open where keys are no numbers."""
        if not self.target.key_is_numeric or self.upper_key is None:
            return None, None
        if self.request.ids:
            ids = [Decimal(one) for one in self.request.ids]
            return min(ids), max(ids)
        return None, Decimal(self.upper_key)


async def prepare(connection: "asyncpg.Connection[Any]", definition: ColumnBackfill, request: Request) -> Preparation:
    """Look up, count and warn; reads only. Raises SchemaError or UsageError with what to correct."""
    target = await resolve(connection, definition, request.mode)
    lower, upper = await planning.bounds(connection, target)
    warnings = await definition.warnings(connection)
    if lower is None or upper is None:
        return Preparation(target, request, None, None, 0, False, warnings)
    matched, is_estimate = await _count(connection, target, upper, request)
    return Preparation(target, request, lower, upper, min(matched, request.limit or matched), is_estimate, warnings)


async def _count(
    connection: "asyncpg.Connection[Any]", target: Target, upper_key: str, request: Request
) -> tuple[int, bool]:
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            return await planning.count_matching(connection, target, upper_key, request.ids), False
    except TimeoutError:
        # Counting must neither hurt nor stop a job; the plan itself counts exactly.
        return await connection.fetchval(target.statement("estimate_rows")), True
    except (asyncpg.DataError, asyncpg.InvalidTextRepresentationError) as error:
        if request.ids:
            raise UsageError(
                f"--id: {error}; the key {target.key.name!r} of {target.definition.table!r} is {target.key.type}"
            ) from error
        raise


async def explain(connection: "asyncpg.Connection[Any]", prepared: Preparation) -> list[str]:
    """How PostgreSQL would read one page of keys."""
    if prepared.upper_key is None:
        return []
    ascending = prepared.request.order == "asc"
    first, last = (prepared.lower_key, prepared.upper_key) if ascending else (prepared.upper_key, prepared.lower_key)
    statement = prepared.target.statement(
        "read_page",
        after=">=" if ascending else "<=",
        until="<=" if ascending else ">=",
        direction=prepared.request.order,
    )
    rows = await connection.fetch(
        f"EXPLAIN {statement}", first, last, prepared.request.batch_size, list(prepared.request.ids) or None
    )
    return [row[0] for row in rows]
