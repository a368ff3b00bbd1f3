"""Before anything is written: what the request means for this database, and what a dry run shows."""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import asyncpg

from backfill import condition, rights, sessions
from backfill.catalog import Target, resolve
from backfill.column_backfill import ColumnBackfill
from backfill.errors import UsageError
from backfill.kinds import packed, quoted
from backfill.ledger import spans
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.spans import Bounds
from backfill.probing import need_fit_queries
from backfill.producers import left_out
from backfill.producers.source import Planning, ShownPlan
from backfill.producers.spans import Spans

COUNT_SECONDS = 20.0
# Blanks around a part are for the eye, those in quotes belong to the key.
_PART: Final = re.compile(r"""\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*|(?P<plain>[^,]*))(?P<comma>,|\Z)""")


@dataclass(frozen=True)
class Preparation:
    """A request held against the database as it is now."""

    target: Target
    request: Request  # its keys as their canonical text
    lower_key: str | None  # None when no row has a key
    upper_key: str | None
    matched: int  # at most the limit
    is_estimate: bool
    warnings: list[str]

    @property
    def definition(self) -> ColumnBackfill:
        return self.target.definition

    @property
    def words(self) -> str:
        return self.request.mode.words(
            self.definition.table, self.definition.target_column, condition.shown(self.definition)
        )

    @property
    def scope(self) -> None:
        return None

    def of(self, matched: int) -> "Preparation":
        return replace(self, matched=matched)

    async def shown(self, connection: "asyncpg.Connection[Any]") -> ShownPlan:
        return ShownPlan(self.target.names["predicate"], tuple(await explain(connection, self)))

    @asynccontextmanager
    async def source(self, planning: Planning) -> AsyncIterator[Spans]:
        job = planning.job
        if not job.by_id:
            await sessions.put(planning.connection, sessions.READ_IN_KEY_ORDER)
        async with self.target.session(planning.connection):
            yield Spans(planning, self.target, spans.left_of(job, self.lower_key), list(self.request.ids) or None)

    @property
    def batches(self) -> int:
        return math.ceil(self.matched / self.request.batch_size)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do; an estimate never says so."""
        return self.upper_key is None or (self.matched == 0 and not self.is_estimate)

    @property
    def bounds(self) -> Bounds:
        return spans.between(self.request.order, self.lower_key or "", self.upper_key or "", self.request.after)

    @property
    def key_range(self) -> tuple[Decimal | None, Decimal | None]:
        """The integer keys that the job may touch; open where keys are something else."""
        if not self.target.key.is_integer or self.upper_key is None:
            return None, None
        if self.request.ids:
            ids = [Decimal(one) for one in self.request.ids]
            return min(ids), max(ids)
        if self.request.after is None:
            return None, Decimal(self.upper_key)
        if self.request.order == "desc":
            return None, Decimal(self.request.after) - 1
        # Nothing may lie behind that key: still a range, of one key that the job never touches.
        first = Decimal(self.request.after) + 1
        return first, max(first, Decimal(self.upper_key))


async def prepare(
    connection: "asyncpg.Connection[Any]", definition: ColumnBackfill, request: Request, job: Job | None = None
) -> Preparation:
    """Look up, count and warn; reads only. Raises SchemaError or UsageError with what to correct.

    Of a job that was opened before, what is not planned yet is counted.
    """
    target = await resolve(connection, definition, request.mode)
    async with target.session(connection):
        await need_fit_queries(connection, target)
        request = await _canonical(connection, target, request)
        lower, upper = await spans.key_bounds(connection, target)
        warnings = [
            *target.notes,
            *await rights.worker_rights(connection, target.table, definition),
            *await definition.warnings(connection),
            *await _keyless(connection, target),
        ]
        prepared = Preparation(target, request, lower, upper, 0, False, warnings)
        if upper is None:
            return prepared
        if request.ids and job is None:
            warnings.extend(await left_out.sentences(connection, target, request))
        bounds = prepared.bounds if job is None else spans.left_of(job, lower)
        matched, is_estimate = await _count(connection, target, request, bounds)
        return replace(prepared, matched=min(matched, request.limit or matched), is_estimate=is_estimate)


async def canonical(connection: "asyncpg.Connection[Any]", definition: ColumnBackfill, request: Request) -> Request:
    """The request as its job would store it."""
    if not request.ids and request.after is None:
        return request
    target = await resolve(connection, definition, request.mode)
    async with target.session(connection):
        return await _canonical(connection, target, request)


async def _canonical(connection: "asyncpg.Connection[Any]", target: Target, request: Request) -> Request:
    """The request with keys as PostgreSQL writes them; raises UsageError for what is no key."""
    given = {"--id": request.ids, "--after": () if request.after is None else (request.after,)}
    found: dict[str, list[str]] = {}
    for option, keys in given.items():
        try:
            found[option] = await spans.canonical(connection, target, tuple(_as_literal(target, key) for key in keys))
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            types = ", ".join(column.full_type for column in target.key.columns)
            raise UsageError(
                f"{option}: {error.args[0]}; the key {target.key.title} of {target.definition.table!r} is {types}"
            ) from error
    return replace(request, ids=tuple(found["--id"]), after=found["--after"][0] if found["--after"] else None)


def _as_literal(target: Target, key: str) -> str:
    """A key of several columns as people write it, 1001,3 or (1001,"a,b"), beside its canonical {1001,"a,b"}."""
    several = len(target.key.columns)
    if several == 1 or key.startswith("{"):
        return key
    bare = key[1:-1] if key.startswith("(") and key.endswith(")") else key
    parts, at, more = [], 0, True
    while more and (part := _PART.match(bare, at)):
        parts.append(part["plain"].strip() if part["quoted"] is None else part["quoted"].replace('""', '"'))
        at, more = part.end(), bool(part["comma"])
    if len(parts) != several:
        raise spans.no_key(target, key)
    return "{" + ",".join(map(quoted, parts)) + "}"


async def _keyless(connection: "asyncpg.Connection[Any]", target: Target) -> list[str]:
    if all(column.not_null for column in target.key.columns):
        return []
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            with condition.answering(target.definition):
                rows: int = await connection.fetchval(target.statement("count_keyless"))
    except (TimeoutError, asyncpg.QueryCanceledError):
        return [
            f"records of {target.definition.table} with a NULL key {target.key.title}, if there are any, are left out: "
            "nothing tells them apart; counting them took too long"
        ]
    if not rows:
        return []
    return [
        f"{rows:,} records of {target.definition.table} that the mode selects have a NULL key {target.key.title} "
        "and are left out: nothing tells them apart"
    ]


async def _count(
    connection: "asyncpg.Connection[Any]", target: Target, request: Request, bounds: Bounds
) -> tuple[int, bool]:
    try:
        async with asyncio.timeout(COUNT_SECONDS):
            ids = list(request.ids) or None
            return await spans.count_matching(connection, target, request.order, bounds, ids), False
    except (TimeoutError, asyncpg.QueryCanceledError):
        # Counting must neither hurt nor stop a job; the plan itself counts exactly.
        estimate: int = max(1, await connection.fetchval(target.statement("estimate_rows")))
        return min(estimate, len(request.ids) or estimate), True


async def explain(connection: "asyncpg.Connection[Any]", prepared: Preparation) -> list[str]:
    """How PostgreSQL would read one span of keys."""
    if prepared.upper_key is None:
        return []
    bounds, target, request = prepared.bounds, prepared.target, prepared.request
    ids = list(request.ids) or None
    statement = target.statement("span_rows", **spans.span_names(target, request.order, bounds, ids))
    async with target.session(connection):
        rows = await connection.fetch(
            f"EXPLAIN {statement}", bounds.first, bounds.last, request.batch_size, packed(ids) if ids else None
        )
    return [row[0] for row in rows]
