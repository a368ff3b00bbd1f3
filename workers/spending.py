"""The calls of one claim, within its definition's limit."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

from backfill.cancelling import cancel
from backfill.database import Pool, is_transient
from backfill.errors import HeldError
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.workers.budget import Budget, Turn
from backfill.workers.committing import CommitUnknownError
from backfill.workers.holding import GivenBackError, Holding
from backfill.workers.stats import Stats

TICK_SECONDS: Final = 1.0  # in between, whoever waits asks whether the claim is still wanted, and says what for
STOPPING_SECONDS: Final = 0.05  # the same, of a worker that stops
MOST_SECONDS: Final = 5.0  # until a claim that was given back is tried again


class Spending:
    """What one claim spends of the budget that all workers share; `async with` it for the claim's time."""

    def __init__(
        self, pool: Pool, budget: Budget, claim: Claim, holding: Holding, stats: Stats, owed: dict[int, tuple[int, int]]
    ) -> None:
        self._pool = pool
        self._budget = budget
        self._claim = claim
        self._holding = holding
        self._stats = stats
        self._waiting: dict[Turn, float] = {}  # since when
        self._has_waited = False  # since the last tick
        self._told: str | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_over = False  # the claim was given back
        self._owed = owed  # by partition: what the ledger could not be told
        self._made, self._refused = owed.pop(claim.id, (0, 0))  # not yet in the ledger

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watching is not None:
            watching, self._watching = self._watching, None
            await cancel({watching})
            if not watching.cancelled():
                watching.result()
        if isinstance(error, CommitUnknownError):  # they may be counted: never twice
            self._made = self._refused = 0
        if self._made or self._refused:
            await self._count()

    async def _count(self) -> None:
        """Tell the ledger of calls that no progress was committed with."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                await partitions.count_calls(connection, self._claim, self._made, self._refused)
        except Exception as error:
            if not is_transient(error):
                raise
            self._owed[self._claim.id] = self._made, self._refused

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call to the service: waits until the limit lets it. Raises GivenBackError where that takes too long."""
        self._need_claim()
        turn = self._budget.turn()
        try:
            await self._wait(turn)
            self._made += 1
            self._stats.calls += 1
            yield
        finally:
            self._budget.leave(turn)

    async def rest(self) -> None:
        """Wait while the limit is held. Raises GivenBackError where that takes too long."""
        self._need_claim()
        await self._wait(self._budget.look())

    async def held(self, error: HeldError) -> None:
        """The service has refused a call: let all workers rest."""
        self._refused += 1
        self._stats.refused += 1
        await self._budget.refuse(self._claim.job_id, error.seconds, error.reason)

    def counts(self) -> tuple[int, int]:
        """Calls made and refused that the ledger does not know of."""
        return self._made, self._refused

    def settled(self, made: int, refused: int) -> None:
        """So many of them were committed."""
        self._made -= made
        self._refused -= refused

    # --- waiting

    def _need_claim(self) -> None:
        if self._is_over:
            raise GivenBackError

    async def _wait(self, turn: Turn) -> None:
        if turn.done():
            turn.result()
            return
        self._has_waited = True
        self._waiting[turn] = time.monotonic()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch of a limit")
        try:
            await turn
        finally:
            del self._waiting[turn]

    async def _watch(self) -> None:
        """Look after those who wait, until the claim is over."""
        stopping = asyncio.ensure_future(self._holding.stopping.wait())
        try:
            while not self._is_over:
                if stopping.done():
                    await asyncio.sleep(STOPPING_SECONDS)
                else:
                    await asyncio.wait({stopping}, timeout=TICK_SECONDS)
                try:
                    await self._tick()
                except Exception as error:
                    if self._waiting:
                        self._end(error)
                    elif not is_transient(error):  # else whoever has the claim's own connection hears of it
                        raise
        finally:
            stopping.cancel()

    async def _tick(self) -> None:
        if not self._has_waited:
            await self._tell(None)
            return
        self._has_waited = bool(self._waiting)
        reason, stops = self._reason(), self._holding.stopping.is_set()
        async with self._pool.acquire(timeout=10) as connection:
            if self._waiting and (stops or not await partitions.is_wanted(connection, self._claim)):
                await self._holding.give_back(connection, self._claim, reason, MOST_SECONDS)
                self._is_over = True
                self._end(GivenBackError())
                return
        since = min(self._waiting.values(), default=None)
        is_long = since is not None and time.monotonic() - since > TICK_SECONDS / 2
        await self._tell(reason if is_long else None)

    def _reason(self) -> str:
        rest, name = self._budget.rest, self._budget.name
        if rest is not None:
            return f"rests for the limit of {name} until {rest.until:%H:%M:%S} UTC: {rest.reason}"
        return f"waits for its turn in the limit of {name}"

    async def _tell(self, reason: str | None) -> None:
        if reason == self._told:
            return
        async with self._pool.acquire(timeout=10) as connection:
            if reason is None:
                await partitions.tell_goes_on(connection, self._claim, self._told or "")
            else:
                await partitions.tell_held(connection, self._claim, reason)
        self._told = reason

    def _end(self, error: Exception) -> None:
        for turn in [*self._waiting]:
            if not turn.done():
                turn.set_exception(error)
