"""Plan the keys that a definition names, in its order: each is asked for once, and held against the contract."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, cast

import asyncpg

from backfill import needs, scopes, sessions, texts
from backfill.database import is_transient
from backfill.errors import BackfillError, SchemaError, UsageError
from backfill.ledger import jobs, planning
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.ledger.planning import Page
from backfill.modes import Mode
from backfill.partition_backfill import PartitionBackfill
from backfill.producers.parts import Connection
from backfill.producers.source import Planning, ShownPlan, Source

COUNT_SECONDS: Final = 20.0
PAGE_KEYS: Final = 10_000
PAGE_PARTITIONS: Final = 100
MOST_OF_A_KEY: Final = 500  # characters
MOST_NAMED: Final = 10
BEAT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class KeyedPreparation:
    """A request for keys, each of which was named once."""

    definition: PartitionBackfill
    request: Request
    scope: dict[str, Any]
    matched: int
    is_estimate: bool
    first: str | None
    upper_key: str | None  # the last one, as far as they were counted
    warnings: list[str]
    key_range: tuple[Decimal | None, Decimal | None] = (None, None)

    @property
    def words(self) -> str:
        return f"every key of {self.definition.name}"

    @property
    def batches(self) -> int:
        return math.ceil(self.matched / self.request.batch_size)

    @property
    def is_empty(self) -> bool:
        return self.matched == 0 and not self.is_estimate

    def of(self, matched: int) -> "KeyedPreparation":
        return replace(self, matched=matched)

    async def shown(self, connection: Connection) -> ShownPlan:
        del connection
        return ShownPlan(first_key=self.first, last_key=self.upper_key)

    def source(self, planned: Planning) -> AbstractAsyncContextManager[Source]:
        return _source(self.definition, self.request, planned)


async def prepare(
    connection: Connection, definition: PartitionBackfill, request: Request, job: Job | None = None
) -> KeyedPreparation:
    """Name every key, count and warn; writes nothing. Raises UsageError or SchemaError with what to correct.

    Of a job that was opened before, what is not planned yet is counted.
    """
    if request.mode is not Mode.ALL:
        raise UsageError(f"{definition.name} names its keys itself: leave out --mode={request.mode.value}")
    if request.order != "asc":
        raise UsageError(f"{definition.name} names its keys in its own order: leave out --order={request.order}")
    await needs.need_tables(connection, definition)
    async with sessions.of_definition(connection, definition.settings):
        warnings = await definition.warnings(connection)
    missing, last = set(request.ids), request.after if job is None else job.cursor_key
    prepared = KeyedPreparation(definition, request, scopes.of(definition), 0, False, None, None, warnings)
    first, matched, is_estimate = None, 0, False
    try:
        async with asyncio.timeout(COUNT_SECONDS), aclosing(named(definition, connection, last)) as found:
            async for key in found:
                if request.ids and key not in missing:
                    continue
                missing.discard(key)
                first, last, matched = first or key, key, matched + 1
                if matched == request.limit:
                    break
    except TimeoutError:
        is_estimate = True
    await sessions.need_ended(connection, f"keys of {definition.name}")
    if missing and job is None and not is_estimate and matched != request.limit:
        named_ids = ", ".join(texts.one_line(one, 60) for one in sorted(missing)[:MOST_NAMED])
        more = f" and {len(missing) - MOST_NAMED:,} more" if len(missing) > MOST_NAMED else ""
        warnings.append(f"--id {named_ids}{more}: {definition.name} names no such key")
    return replace(prepared, matched=matched, is_estimate=is_estimate, first=first, upper_key=last)


@asynccontextmanager
async def _source(definition: PartitionBackfill, request: Request, planned: Planning) -> AsyncIterator[Source]:
    # A connection of the definition's own: it may keep a transaction open for a cursor.
    async with planned.parts.connect() as reader:
        keys = Keys(definition, request, planned, reader)
        try:
            yield keys
        finally:
            await keys.close()


class Keys:
    """The keys behind a cursor, a page at a time."""

    def __init__(self, definition: PartitionBackfill, request: Request, planned: Planning, reader: Connection) -> None:
        self._definition = definition
        self._ids = frozenset(request.ids)
        self._planned = planned
        self._reader = reader
        self._named: Any = None

    async def plan(self, cursor: str | None, next_number: int, room: int | None) -> Page | None:
        batch_size = self._planned.job.batch_size
        most = max(batch_size, min(PAGE_KEYS // batch_size, PAGE_PARTITIONS) * batch_size)
        if self._named is None:
            self._named = named(self._definition, self._reader, cursor)
        keys: list[str] = []
        alive = time.monotonic()
        while len(keys) < (most if room is None else min(most, room)):
            if time.monotonic() - alive > BEAT_SECONDS:  # naming may take longer than the lease of the lead
                await jobs.renew_lead(self._planned.connection, self._planned.job.id, self._planned.producer)
                alive = time.monotonic()
            try:
                key = await anext(self._named)
            except StopAsyncIteration:
                break
            if not self._ids or key in self._ids:
                keys.append(key)
        if not keys:
            return None
        planned = self._planned
        return await planned.parts.watch.patiently(
            lambda: planning.plan_keys(
                planned.connection,
                planned.job,
                keys,
                producer=planned.producer,
                cursor=cursor,
                next_number=next_number,
            )
        )

    async def close(self) -> None:
        if self._named is not None:
            await self._named.aclose()


async def named(definition: PartitionBackfill, connection: Connection, after: str | None) -> AsyncGenerator[str, None]:
    """The keys behind one, as the definition names them; raises SchemaError where it breaks the contract."""
    name, last = definition.name, after
    before = None
    try:
        naming = cast("AsyncGenerator[str, None]", definition.keys(connection, after))  # a definition's is no other
        async with sessions.of_definition(connection, definition.settings), aclosing(naming) as keys:
            async for key in keys:
                _need_key(name, key)
                if before is not None and key <= before:
                    what = "twice" if key == before else f"behind {texts.one_line(before)!r}"
                    raise SchemaError(
                        f"keys of {name} named {texts.one_line(key)!r} {what}: name each once, ascending as Python "
                        "compares them (unit-10 comes before unit-7; unit-007 does not)"
                    )
                before = key
                if last is None or key > last:
                    yield key
    except (BackfillError, asyncio.CancelledError, GeneratorExit):
        raise
    except Exception as error:
        if is_transient(error):
            raise
        hint = "correct the definition"
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            hint = f"name the table in reads of {name}, then run: backfill init --roles --app …"
        raise SchemaError(f"keys of {name} raised {texts.in_a_line(error)}; {hint}") from error


def _need_key(name: str, key: object) -> None:
    if not isinstance(key, str):
        raise SchemaError(f"keys of {name} named {texts.clean(repr(key), 100)} ({type(key).__name__}): a key is a str")
    if not key or len(key) > MOST_OF_A_KEY or not texts.is_fit(key):
        raise SchemaError(
            f"keys of {name} named {texts.clean(repr(key), 100)}: a key has from 1 to {MOST_OF_A_KEY} characters, all "
            "of which can be stored"
        )
