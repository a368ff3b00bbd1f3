"""Write a partition's values and its progress together, in transactions that keep rows locked for a short time."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from backfill.catalog import Target
from backfill.database import Connection, is_transient
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.workers.applying.committing import Committing, Ending, Way
from backfill.workers.applying.portion import Portion
from backfill.workers.applying.writing import WAITS, Left, Writing
from backfill.workers.claims import CommitUnknownError, FencedError
from backfill.workers.computing.halving import is_broken_definition
from backfill.workers.computing.values import Computed

# Two sessions in each other's way: the same transaction succeeds a moment later.
RACES: Final = (asyncpg.TransactionRollbackError,)


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
        self._committing = Committing(connection, target, claim, self._writing)

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
                return await self._committing.run(piece, way, tally.copy(), ending, rest)
        raise AssertionError  # it was returned, or raised
