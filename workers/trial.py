"""Records computed and written as a worker would, in a transaction that is rolled back."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from backfill import sessions, texts
from backfill.catalog import Target
from backfill.database import Connection
from backfill.definition import Definition, Skip
from backfill.errors import HeldError, SchemaError
from backfill.inside import inside
from backfill.kinds import packed
from backfill.ledger.tally import Tally
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.statements import quote
from backfill.workers.applying.committing import LOCK_MS
from backfill.workers.applying.writing import Writing
from backfill.workers.computing.computation import compute
from backfill.workers.computing.ways import Ways
from backfill.workers.limits.unshared import Unshared
from backfill.workers.lookout import Lookout
from backfill.workers.piece import Piece
from backfill.workers.signals import interrupting
from backfill.workers.watch import Watch

SECONDS: Final = 20.0  # for loading, for computing, and for the write of them all
NO_TIME: Final = f"not come to within {SECONDS:g} s"


@dataclass
class Tried:
    """What would have become of a record or a key."""

    record_id: str
    outcome: str  # updated, unchanged, skipped, failed, deleted, or later: another attempt would have to tell
    reason: str = ""
    before: list[str | None] | None = None  # the columns as PostgreSQL writes them; None without the row
    after: list[str | None] | None = None


@dataclass
class _Named(Tally):
    """Knows of each record why it was skipped."""

    named: dict[str, str] = field(default_factory=dict)

    def skip(self, record: str, reason: str) -> None:
        super().skip(record, reason)
        self.named[record] = texts.clean(reason)


async def records(settings: Settings, connection: Connection, target: Target, ids: Sequence[str]) -> list[Tried]:
    """Try these records together; raises what `compute` of a worker raises, for a definition that is to blame.

    Triggers are fired, and what they do in the database is rolled back with the rest.
    """
    definition = target.definition
    tally, ways = _Named(), Ways(settings.record_seconds)
    spending, watch = Unshared(definition.limit), Watch("a trial")
    try:
        async with inside([definition]):
            with _watched(settings, watch):
                computed = await compute(
                    connection, target, list(ids), tally, watch, spending, SECONDS, ways, last_attempt=True
                )
    finally:
        await ways.close()
    async with asyncio.timeout(SECONDS), _rolled_back(connection, definition, int(SECONDS * 1000)):
        before = await _values(connection, target, ids)
        writing, written = Writing(connection, target), {}
        for place, one in enumerate(computed.ids):
            written[one] = Tally()
            # A record alone, as a worker isolates those of which PostgreSQL refuses one.
            await writing.isolated(computed.part([place]), written[one], is_patient=True)
        after = await _values(connection, target, ids)
    refusal = spending.refusal
    put_off = texts.in_a_line(refusal) if refusal is not None else NO_TIME
    return [
        _tried(one, [tally, *([written[one]] if one in written else [])], put_off, before.get(one), after.get(one))
        for one in ids
    ]


def _tried(
    record: str,
    tallies: list[Tally],
    put_off: str,
    before: list[str | None] | None,
    after: list[str | None] | None,
) -> Tried:
    outcome, reason = "later", put_off
    for tally in tallies:
        if record in tally.failed:
            outcome, reason = "failed", ": ".join(tally.failed[record])
        elif record in tally.remaining:
            outcome, reason = "later", ": ".join(tally.remaining[record])
        elif record in tally.held:
            outcome, reason = "later", tally.held[record]
        elif isinstance(tally, _Named):
            if record in tally.named:
                outcome, reason = "skipped", tally.named[record]
            elif before is None:
                outcome, reason = "deleted", ""
            elif record not in tally.later:
                # Selected a moment ago, and neither computed nor put off: skipped as it was read.
                outcome, reason = "skipped", next((texts.clean(one) for one in tally.skipped), "")
        elif tally.updated:
            outcome, reason = "updated", ""
        elif tally.unchanged:
            outcome, reason = "unchanged", ""
        elif tally.skipped:
            outcome, reason = "skipped", next(iter(tally.skipped))
    return Tried(record, outcome, reason, before, after)


async def _values(connection: Connection, target: Target, ids: Sequence[str]) -> Mapping[str, list[str | None]]:
    values = ", ".join(f"t.{quote(column.name)}::text" for column in target.columns)
    rows = await connection.fetch(target.statement("read_values", shown=values), packed(ids))
    return {row["id"]: row["shown"] for row in rows}


async def keys(
    settings: Settings, connection: Connection, definition: PartitionBackfill, given: Sequence[str]
) -> list[Tried]:
    """The same for keys: each is fetched, and written in a transaction of its own; raises SchemaError."""
    spending = Unshared(definition.limit)
    piece = Piece(connection, definition, spending, settings, 1, Watch("a trial"))
    found = [Tried(key, "later", NO_TIME) for key in given]
    async with inside([definition]), sessions.of_definition(connection, definition.settings):
        for tried in found:
            try:
                async with asyncio.timeout(SECONDS):
                    await _piece(connection, definition, piece, tried)
            except HeldError as error:
                tried.reason = texts.in_a_line(error)
            except SchemaError:
                raise
            except Exception as error:
                if connection.is_closed():
                    raise
                tried.outcome, tried.reason = "failed", texts.in_a_line(error)
    return found


async def _piece(connection: Connection, definition: PartitionBackfill, piece: Piece, tried: Tried) -> None:
    fetched = await piece.fetched(tried.record_id)
    if isinstance(fetched, Skip):
        tried.outcome, tried.reason = "skipped", texts.clean(fetched)
        return
    tally = Tally()
    async with _rolled_back(connection, definition, int(SECONDS * 1000)):
        try:
            async with connection.transaction():  # as a worker has it
                await piece.written(tried.record_id, fetched, tally)
        except Exception as error:
            if connection.is_closed() or connection.is_in_transaction():
                raise
            kept = f"{piece.ended(tried.record_id)}; what it wrote before that is not rolled back"
            raise SchemaError(kept) from error
    tried.outcome = "updated" if tally.updated else "unchanged" if tally.unchanged else "skipped"
    tried.reason = next((texts.clean(one) for one in tally.skipped), "")


@asynccontextmanager
async def _rolled_back(connection: Connection, definition: Definition, statement_ms: int) -> AsyncIterator[None]:
    """A transaction of which nothing is kept, whatever comes of it; triggers see whose it is, as in a job's."""
    transaction = connection.transaction(isolation="read_committed")
    await transaction.start()
    try:
        await sessions.put(
            connection,
            {
                "backfill.name": definition.name,
                "lock_timeout": f"{LOCK_MS}ms",
                "statement_timeout": f"{statement_ms}ms",
            },
        )
        yield
    finally:
        if not connection.is_closed():
            await transaction.rollback()


@contextmanager
def _watched(settings: Settings, watch: Watch) -> Iterator[None]:
    """Interrupt a record that computes for too long, where this is the thread that signals reach."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    lookout = Lookout(settings.record_seconds, settings.partition_seconds, lambda: [watch])
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(lookout.interval):
            lookout.look()

    looking = threading.Thread(target=look, name="lookout of a trial", daemon=True)
    with interrupting(lookout):
        looking.start()
        try:
            yield
        finally:
            ended.set()
            looking.join()
