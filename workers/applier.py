"""Write a partition's values and its progress together, in transactions that keep rows locked for a short time."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from backfill.catalog import Target
from backfill.database import Connection, is_away, is_transient
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim, Tally
from workers.halving import is_broken_definition
from workers.loading import Loading
from workers.portion import LOCKED_MS, Portion
from workers.values import Computed
from workers.writing import INPUTS_CHANGED, WAITS, Left, Writing

# Two sessions in each other's way: the same transaction succeeds a moment later.
RACES: Final = (asyncpg.TransactionRollbackError,)
LOCK_MS: Final = 100  # for the table's own lock, and for one that a trigger waits for while rows are locked


class FencedError(Exception):
    """A later claim took the partition over; nothing was written."""


class CommitUnknownError(Exception):
    """The answer to COMMIT never came: only the ledger knows."""


class Way(Enum):
    """How a piece of a batch is written."""

    WHOLE = "one statement for all"
    ISOLATED = "under savepoints, by halving"
    ALONE = "one record, which may take as long as the session lets it"


@dataclass(frozen=True)
class Ending:
    """How a round ends: what it took, and what becomes of records that remain."""

    duration_ms: float
    retry_seconds: float | None  # until the next attempt; None keeps the claim for another round
    last: bool  # what remains fails instead
    last_attempt: bool  # of the partition, perhaps with rounds to come


class Applier:
    """Applies what was computed under one claim."""

    def __init__(
        self,
        connection: Connection,
        target: Target,
        claim: Claim,
        portion: Portion,
        settled: Callable[[Tally], None],
    ) -> None:
        self._connection = connection
        self._target = target
        self._claim = claim
        self._portion = portion
        self._settled = settled  # is told of each commit
        self._writing = Writing(connection, target)

    async def apply(self, computed: Computed, tally: Tally, ending: Ending) -> Tally:
        """Write, count and commit; returns the tally with what was written added.

        Records that another transaction changed remain, unless this is the end; those that it holds are held. Raises
        FencedError when nothing may be written any more, CommitUnknownError when only the ledger can tell what
        happened, and LockNotAvailableError when nothing was written because somebody has locked the table.
        """
        total: Tally | None = None  # of what is committed
        pieces = deque([(computed, Way.WHOLE)])
        while True:
            piece, way = self._next(pieces)
            rest = [one for waiting, _ in pieces for one in waiting.ids]
            try:
                began = time.monotonic()
                done, left = await self._retried(piece, way, tally, ending, rest)
            except asyncpg.LockNotAvailableError:
                # The table's lock is waited for with nothing locked; a trigger's is some record's.
                if way is Way.WHOLE and not await self._table_is_locked():
                    pieces.appendleft((piece, Way.ISOLATED))
                elif total is None:
                    raise
                else:
                    total.held |= dict.fromkeys([*piece.ids, *rest], WAITS)
                    return total
            except (FencedError, CommitUnknownError):
                raise
            except Exception as error:
                pieces.appendleft((piece, await self._other_way(error, piece, way)))
            else:
                if way is Way.WHOLE:
                    self._portion.done(len(piece), time.monotonic() - began)
                self._settled(done)
                if total is None:
                    total = done
                else:
                    total.add(done)
                total.state = done.state
                # What is put off is still in the partition when its last piece is settled.
                tally = Tally(later=done.later, remaining=done.remaining.copy(), held=done.held.copy())
                ending = replace(ending, duration_ms=0.0)
                pieces.extendleft((one, Way.ISOLATED) for one in reversed(left.unreached))  # in the batch's order
                pieces.extend((one, Way.ALONE) for one in left.slow)
                if not pieces:
                    return total

    def _next(self, pieces: deque[tuple[Computed, Way]]) -> tuple[Computed, Way]:
        piece, way = pieces.popleft()
        most = self._portion.records
        if len(piece) <= most:
            return piece, way
        pieces.appendleft((piece.part(range(most, len(piece))), way))
        return piece.part(range(most)), way

    async def _other_way(self, error: Exception, piece: Computed, way: Way) -> Way:
        """How to try again what raised that; raises it when no record is to blame."""
        if way is Way.ALONE:
            raise error
        if isinstance(error, asyncpg.QueryCanceledError):
            self._portion.cut_off(len(piece))
            return way if len(piece) > 1 else Way.ALONE
        if way is Way.ISOLATED or (is_transient(error) and not isinstance(error, RACES)):
            raise error
        if is_broken_definition(error) and await self._writing.is_broken():
            raise error
        return Way.ISOLATED

    async def _table_is_locked(self) -> bool:
        try:
            await self._writing.for_nothing()
        except asyncpg.LockNotAvailableError:
            return True
        return False

    async def _retried(
        self, piece: Computed, way: Way, tally: Tally, ending: Ending, rest: list[str]
    ) -> tuple[Tally, Left]:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(RACES),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            stop=stop_after_attempt(4),
            reraise=True,
        ):
            with attempt:
                return await self._transaction(piece, way, tally.copy(), ending, rest)
        raise AssertionError  # it was returned, or raised

    async def _transaction(
        self, piece: Computed, way: Way, tally: Tally, ending: Ending, rest: list[str]
    ) -> tuple[Tally, Left]:
        """Write a piece of the batch; the `rest` of it stays in the partition."""
        transaction = self._connection.transaction(isolation="read_committed")
        await transaction.start()
        try:
            # Inputs are asked for their versions before any row is locked: that may take its time.
            has_versions = piece.batch.input_versions is not None
            statement_ms = None if has_versions or way is Way.ALONE else LOCKED_MS
            if not await partitions.lock(
                self._connection,
                self._claim,
                self._target.definition.name,
                statement_ms=statement_ms,
                lock_ms=LOCK_MS,
            ):
                raise FencedError
            if has_versions:
                piece = await self._with_the_same_inputs(piece, tally, last_attempt=ending.last_attempt)
                if way is not Way.ALONE:
                    await self._writing.may_take(LOCK_MS, LOCKED_MS)
            left = await self._write(piece, way, tally)
            unreached = [one for part in (*left.unreached, *left.slow) for one in part.ids]
            await self._settle(tally, ending, [*unreached, *rest])
            failpoint("worker.before_commit")
        except BaseException:
            if not self._connection.is_closed():
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except Exception as error:
            if isinstance(error, asyncpg.PostgresError) and not is_away(error):
                raise  # PostgreSQL itself says that it has not committed: a deferred constraint, for one
            raise CommitUnknownError(str(error)) from error
        failpoint("worker.after_commit")
        return tally, left

    async def _write(self, piece: Computed, way: Way, tally: Tally) -> Left:
        if not piece.ids:
            return Left()
        if way is Way.WHOLE:
            await self._writing.whole(piece, tally)
            return Left()
        return await self._writing.isolated(piece, tally, is_patient=way is Way.ALONE)

    async def _settle(self, tally: Tally, ending: Ending, rest: list[str]) -> None:
        """Count, and keep the claim while there is a rest of the batch, or records that are only held."""
        error = next((f"{kind}: {text}" for kind, text in tally.remaining.values()), None)
        if ending.last:
            tally.failed |= tally.remaining
            tally.remaining = {}
        ends = not rest and bool(tally.remaining)
        later, tally.later = tally.later, [*tally.later, *rest]
        await partitions.settle(
            self._connection,
            self._claim,
            tally,
            duration_ms=ending.duration_ms,
            retry_seconds=ending.retry_seconds if ends else None,
            error=error,
        )
        tally.later = later

    async def _with_the_same_inputs(self, computed: Computed, tally: Tally, *, last_attempt: bool) -> Computed:
        """Those whose inputs in other tables are still the version that was read; the others remain."""
        before = computed.batch.input_versions
        if before is None or not computed.ids:
            return computed
        loading = Loading(self._connection, self._target, computed.batch, tally, last_attempt=last_attempt)
        now = await loading.versions()
        there = [place for place, one in enumerate(computed.ids) if one not in tally.failed and one not in tally.held]
        same = [place for place in there if before[place] == now[place]]
        changed = set(there).difference(same)
        tally.remaining |= dict.fromkeys((computed.ids[place] for place in changed), INPUTS_CHANGED)
        return computed.part(same)
