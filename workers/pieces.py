"""A partition of keys: fetched one after the other, each written in a transaction with its own progress."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from backfill import texts
from backfill.database import Connection, is_away, is_transient
from backfill.definition import Skip
from backfill.errors import HeldError, SchemaError
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.applying.committing import fenced
from backfill.workers.claims import GivenBackError
from backfill.workers.computing.judge import may_pass
from backfill.workers.hand import Hold
from backfill.workers.holding import MOST_SECONDS, Holding
from backfill.workers.limits.spending import Spending
from backfill.workers.piece import LimitError, Piece
from backfill.workers.stats import Stats

# Two sessions in each other's way, or a table that was altered under a prepared statement: the same transaction
# succeeds a moment later.
RACES: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.exceptions.OutdatedSchemaCacheError,
)
MOST_RACES: Final = 4
HELD: Final = "another transaction holds what it reads or writes"


class Pieces:
    """Works on claims of a PartitionBackfill."""

    def __init__(self, settings: Settings, stats: Stats, holding: Holding) -> None:
        self._settings = settings
        self._holding = holding
        self._stats = stats

    async def work(
        self,
        connection: Connection,
        definition: PartitionBackfill,
        claim: Claim,
        hold: Hold,
        spending: Spending,
        spare: list[str],
    ) -> list[str]:
        """Fetch and write key by key, and leave the spare ones; returns the keys that wait for another attempt.

        After a crash the keys that were committed are done, and the others are begun anew. Raises SchemaError for a
        definition that breaks its contract, FencedError, CommitUnknownError, GivenBackError where the claim was given
        back, and UnwantedError where it is to be.
        """
        piece = Piece(connection, definition, spending, self._settings, claim.attempt, hold.watch)
        work = _Work(connection, definition, claim, piece, spending, spare, self._settings, self._stats)
        left = await work.to_its_end()
        if work.held and not left:
            await self._holding.give_back(connection, claim, next(iter(work.held.values())), MOST_SECONDS)
            raise GivenBackError
        return left


@dataclass
class _Work:
    """One claim."""

    connection: Connection
    definition: PartitionBackfill
    claim: Claim
    piece: Piece
    spending: Spending
    spare: list[str]
    settings: Settings
    stats: Stats
    put_off: dict[str, tuple[str, str]] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)  # they wait for somebody's lock

    async def to_its_end(self) -> list[str]:
        # A key under which the worker ends is met from both sides in turn, so that all around it are done.
        keys = self.claim.ids[:: -1 if self.claim.interruptions % 2 else 1]
        for place, key in enumerate(keys):
            began = time.monotonic()
            later = keys[place + 1 :]
            failed = await self._fetched_and_written(key, later, began)
            if failed is not None and (may_pass(failed) or is_transient(failed)):
                self.put_off[key] = texts.why(failed)
            elif failed is not None:
                await self._committed(Tally(failed={key: texts.why(failed)}), later, began)
        if not self.put_off:
            return []
        is_last = self.claim.attempt >= self.settings.max_attempts
        tally = Tally(failed=self.put_off) if is_last else Tally(remaining=self.put_off)
        self.put_off = {}
        await self._committed(tally, [], time.monotonic())
        return [*tally.remaining, *self.held, *self.spare] if tally.remaining else []

    async def _fetched_and_written(self, key: str, later: list[str], began: float) -> Exception | None:
        """Do one key; returns what is wrong with it alone."""
        while True:
            await self.spending.rest()
            try:
                fetched = await self.piece.fetched(key)
            except HeldError as error:  # no attempt: it is fetched again when the limit rests no longer
                await self.spending.held(error)
                continue
            except LimitError as error:
                raise error.error from None
            except asyncpg.LockNotAvailableError:
                self.held[key] = HELD
                return None
            except SchemaError:
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
                except asyncpg.LockNotAvailableError:
                    self.held[key] = HELD
                    return None
                except RACES as error:
                    if attempt == MOST_RACES:
                        return error

    async def _written(self, key: str, fetched: Any, later: list[str], began: float) -> Exception | None:
        tally = Tally()
        failed: Exception | None = None
        async with fenced(self.connection, self.claim, self.definition.name):
            try:
                async with self.connection.transaction():
                    await self.piece.written(key, fetched, tally)
            except Exception as error:
                if self._is_not_the_keys(error):
                    raise
                if not self.connection.is_in_transaction():
                    raise self.piece.ended(key) from error
                failed = error
            else:
                await self._conclude(tally, later, began)
        if failed is None:
            self._settled(tally, began)
        return failed

    def _is_not_the_keys(self, error: Exception) -> bool:
        if self.connection.is_closed() or is_away(error):
            return True
        return isinstance(error, (*RACES, asyncpg.LockNotAvailableError, SchemaError))

    async def _committed(self, tally: Tally, later: list[str], began: float) -> None:
        async with fenced(self.connection, self.claim, self.definition.name):
            await self._conclude(tally, later, began)
        self._settled(tally, began)

    async def _conclude(self, tally: Tally, later: list[str], began: float) -> None:
        tally.held = self.held
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
