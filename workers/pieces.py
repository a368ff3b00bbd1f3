"""A partition of keys: fetched one after the other, each written in a transaction with its own progress."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import asyncpg

from backfill import statements, texts
from backfill.cancelling import cancel_requests
from backfill.database import Connection, is_away, is_transient
from backfill.definition import Outcome, Skip
from backfill.errors import HeldError, SchemaError, TransientError
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.committing import fenced
from backfill.workers.halving import is_broken_definition
from backfill.workers.holding import GivenBackError
from backfill.workers.outages import is_outage
from backfill.workers.spending import Spending
from backfill.workers.stats import Stats

# Two sessions in each other's way, or a table that was altered under a prepared statement: the same transaction
# succeeds a moment later.
RACES: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.exceptions.OutdatedSchemaCacheError,
)
MOST_RACES: Final = 4


class Pieces:
    """Works on claims of a PartitionBackfill."""

    def __init__(self, settings: Settings, stats: Stats) -> None:
        self._settings = settings
        self._stats = stats

    async def work(
        self,
        connection: Connection,
        definition: PartitionBackfill,
        claim: Claim,
        spending: Spending,
        spare: list[str],
    ) -> list[str]:
        """Fetch and write key by key, and leave the spare ones; returns the keys that wait for another attempt.

        After a crash the keys that were committed are done, and the others are begun anew. Raises SchemaError for a
        definition that breaks its contract, FencedError, CommitUnknownError, and GivenBackError where the claim was
        given back.
        """
        work = _Work(connection, definition, claim, spending, spare, self._settings, self._stats)
        return await work.to_its_end()


@dataclass
class _Work:
    """One claim."""

    connection: Connection
    definition: PartitionBackfill
    claim: Claim
    spending: Spending
    spare: list[str]
    settings: Settings
    stats: Stats
    put_off: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def to_its_end(self) -> list[str]:
        # A key under which the worker ends is met from both sides in turn, so that all around it are done.
        keys = self.claim.ids[:: -1 if self.claim.interruptions % 2 else 1]
        for place, key in enumerate(keys):
            began = time.monotonic()
            later = keys[place + 1 :]
            failed = await self._fetched_and_written(key, later, began)
            if failed is not None and _may_pass(failed):
                self.put_off[key] = texts.why(failed)
            elif failed is not None:
                await self._committed(Tally(failed={key: texts.why(failed)}), later, began)
        if not self.put_off:
            return []
        is_last = self.claim.attempt >= self.settings.max_attempts
        tally = Tally(failed=self.put_off) if is_last else Tally(remaining=self.put_off)
        self.put_off = {}
        await self._committed(tally, [], time.monotonic())
        return [*tally.remaining, *self.spare] if tally.remaining else []

    async def _fetched_and_written(self, key: str, later: list[str], began: float) -> Exception | None:
        """Do one key; returns what is wrong with it alone."""
        while True:
            try:
                fetched = await self._fetched(key)
            except HeldError as error:  # no attempt: its next call waits until the limit is free again
                await self.spending.held(error)
                continue
            except (GivenBackError, SchemaError):
                raise
            except Exception as error:
                return error
            failpoint("worker.after_fetch")
            if isinstance(fetched, Skip):
                await self._committed(Tally(skipped=Counter({fetched: 1})), later, began)
                return None
            for attempt in range(1, MOST_RACES + 1):
                try:
                    return await self._written(key, fetched, later, began)
                except RACES:
                    if attempt == MOST_RACES:
                        raise

    async def _fetched(self, key: str) -> Any:
        seconds, requests = self.settings.partition_seconds, cancel_requests()
        deadline = asyncio.timeout(None)
        try:
            async with deadline:
                call = _Call(self.claim.attempt, await self._loaded(key), self.spending, deadline, seconds)
                call.allow()
                return await self.definition.fetch(call, key)
        except BaseException as error:
            if deadline.expired() and isinstance(error, TimeoutError):
                raise TransientError(f"not fetched within {seconds:g} s (BACKFILL_PARTITION_SECONDS)") from error
            if cancel_requests() > requests:
                raise asyncio.CancelledError from error
            if not isinstance(error, Exception):  # nothing that a definition raises is the worker's end
                raise RuntimeError(texts.in_a_line(error)) from error  # noqa: TRY004 - of no type in particular
            raise

    async def _loaded(self, key: str) -> Any:
        if type(self.definition).load is PartitionBackfill.load:
            return None
        with self._blaming("load", key):
            loaded = await self.definition.load(self.connection, key)
        if self.connection.is_in_transaction():
            raise SchemaError(f"load of {self.definition.name} has left a transaction open: end it there")
        return loaded

    @contextmanager
    def _blaming(self, method: str, key: str) -> Iterator[None]:
        """What no key is to blame for: a name in its SQL that is not there, or may not be used."""
        try:
            yield
        except asyncpg.PostgresError as error:
            if not is_broken_definition(error):
                raise
            name, hint = self.definition.name, ""
            if isinstance(error, asyncpg.InsufficientPrivilegeError):
                attribute = "reads" if method == "load" else "writes"
                hint = f"; name the table in {attribute} of {name}, then run: backfill init --roles --app …"
            what = f"{method} of {name} for {texts.one_line(key)}"
            raise SchemaError(f"{what}: {texts.in_a_line(error)}{hint}") from error

    async def _written(self, key: str, fetched: Any, later: list[str], began: float) -> Exception | None:
        tally = Tally()
        failed: Exception | None = None
        async with fenced(self.connection, self.claim, self.definition.name):
            try:
                async with self.connection.transaction():
                    outcome = await self._write(key, fetched)
                    # What is only checked at the COMMIT would be nobody's.
                    await self.connection.execute(statements.read("target/check_now"))
                    self._count(tally, key, outcome)
            except Exception as error:
                if self._is_not_the_keys(error):
                    raise
                if not self.connection.is_in_transaction():
                    raise SchemaError(
                        f"write of {self.definition.name} for {texts.one_line(key)} has ended its transaction: it must "
                        "neither commit nor roll back"
                    ) from error
                failed = error
            else:
                await self._conclude(tally, later, began)
        if failed is None:
            self._settled(tally, began)
        return failed

    async def _write(self, key: str, fetched: Any) -> object:
        with self._blaming("write", key):
            return await self.definition.write(self.connection, key, fetched)

    def _count(self, tally: Tally, key: str, outcome: object) -> None:
        if isinstance(outcome, Skip):
            tally.skipped[outcome] += 1
        elif outcome is Outcome.UPDATED:
            tally.updated += 1
        elif outcome is Outcome.UNCHANGED:
            tally.unchanged += 1
        else:
            said = "None" if outcome is None else type(outcome).__name__
            raise SchemaError(
                f"write of {self.definition.name} returned {said} for {texts.one_line(key)}: return Outcome.UPDATED, "
                "Outcome.UNCHANGED or a Skip; nothing of it was kept"
            )

    def _is_not_the_keys(self, error: Exception) -> bool:
        if self.connection.is_closed() or is_away(error):
            return True
        return isinstance(error, (*RACES, asyncpg.LockNotAvailableError, SchemaError))

    async def _committed(self, tally: Tally, later: list[str], began: float) -> None:
        async with fenced(self.connection, self.claim, self.definition.name):
            await self._conclude(tally, later, began)
        self._settled(tally, began)

    async def _conclude(self, tally: Tally, later: list[str], began: float) -> None:
        tally.later = [*self.put_off, *later, *self.spare]
        tally.calls, tally.refused = self.spending.counts()
        await partitions.conclude(
            self.connection,
            self.claim,
            tally,
            duration_ms=(time.monotonic() - began) * 1000,
            retry_seconds=self.settings.retry_delay(self.claim.attempt) if tally.remaining else None,
            error=next((f"{kind}: {text}" for kind, text in tally.remaining.values()), None),
            definition_hash=self.definition.fingerprint(),
        )
        failpoint("worker.before_commit")

    def _settled(self, tally: Tally, began: float) -> None:
        self.stats.add(tally, began)
        self.spending.settled(tally.calls, tally.refused)
        if tally.state not in ("running", "pending"):
            self.stats.ended[tally.state].add(time.monotonic() - self.claim.began)


class _Call:
    """`backfill.Call`: waiting for the limit is not the definition's time."""

    def __init__(
        self, attempt: int, loaded: Any, spending: Spending, deadline: asyncio.Timeout, seconds: float
    ) -> None:
        self.attempt = attempt
        self.loaded = loaded
        self._spending = spending
        self._deadline = deadline
        self._seconds = seconds
        self._under_way: list[Any] = []

    def allow(self) -> None:
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> Self:
        self._deadline.reschedule(None)
        call = self._spending.call()
        await call.__aenter__()
        self._under_way.append(call)
        self.allow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._under_way.pop().__aexit__(kind, error, traceback)


def _may_pass(error: Exception) -> bool:
    """Whether the same key may succeed later."""
    return isinstance(error, TransientError | OSError) or is_transient(error) or is_outage(error)
