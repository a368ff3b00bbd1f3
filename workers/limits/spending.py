"""The calls of one claim, within its definition's limit."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Final, Self

from backfill.cancelling import cancel
from backfill.database import Pool, is_transient
from backfill.errors import HeldError
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.workers.claims import CommitUnknownError
from backfill.workers.holding import Holding
from backfill.workers.limits.asking import question
from backfill.workers.limits.budget import Budget, Turn
from backfill.workers.stats import Stats

TICK_SECONDS: Final = 1.0  # in between, whoever waits asks whether the claim is still wanted, and says what for
STOPPING_SECONDS: Final = 0.05  # the same, of a worker that stops


class UnwantedError(Exception):
    """The worker stops, or the job was paused or has ended: what is left of the claim is to be given back."""


class Spending:
    """What one claim spends of the budget that all workers share; `async with` it for the claim's time."""

    def __init__(
        self, pool: Pool, budget: Budget, claim: Claim, holding: Holding, stats: Stats, owed: dict[int, tuple[int, int]]
    ) -> None:
        self._pool = pool
        self._budget = budget
        self._claim = claim
        self.stopping = holding.stopping
        self._stats = stats
        self._waiting: dict[Turn, float] = {}  # since when
        self._queued = 0  # who wait for a turn, not only for an answer
        self._has_waited = False  # since the last tick
        self._told: str | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_over = False  # nothing is called any more
        self._unwanted_until: float | None = None  # until when turns are waited for all the same
        self._one: int | None = None  # calls made before what is of use only as a whole
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
        if isinstance(error, UnwantedError):
            try:
                await self._tell(None)
            except Exception as lost:
                if not is_transient(lost):
                    raise
        if self._made or self._refused:
            await self._count()

    async def _count(self) -> None:
        """Tell the ledger of calls that no progress was committed with."""
        try:
            async with question(self._pool, 5) as connection:
                await partitions.count_calls(connection, self._claim, self._made, self._refused)
        except Exception as error:
            if not is_transient(error):
                raise
            self._owed[self._claim.id] = self._made, self._refused

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """One call to the service: waits until the limit lets it. Raises UnwantedError where that is in vain."""
        self._need_wanted()
        turn = self._budget.turn()
        try:
            self._queued += 1
            try:
                await self._wait(turn)
            finally:
                self._queued -= 1
            self._made += 1
            self._stats.calls += 1
            yield
        finally:
            self._budget.leave(turn)

    async def rest(self) -> None:
        """Wait while the limit is held. Raises UnwantedError where that is in vain."""
        self._need_wanted()
        if self._unwanted_until is not None:
            raise UnwantedError
        await self._wait(self._budget.look())

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Calls whose answers are of use only once all of them are there."""
        self._one = self._made
        try:
            yield
        finally:
            self._one = None

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

    def _need_wanted(self) -> None:
        if self._is_over or time.monotonic() >= self.stopping.until:
            raise UnwantedError

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
        stopping = asyncio.ensure_future(self.stopping.wait())
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
        is_kept = self._queued or self._budget.rest is not None  # whether it rests is known in a moment
        if self._waiting and is_kept and not await self._is_wanted() and not self._is_worth_waiting():
            self._is_over = True  # calls that are under way are finished, and what they give is written
            self._end(UnwantedError())
            return
        reason = self._reason()
        since = min(self._waiting.values(), default=None)
        is_long = since is not None and time.monotonic() - since > TICK_SECONDS / 2
        await self._tell(reason if is_long else None)

    async def _is_wanted(self) -> bool:
        if self.stopping.is_set():
            return False
        async with question(self._pool, 10) as connection:
            is_wanted = await partitions.is_wanted(connection, self._claim)
        if is_wanted:
            self._unwanted_until = None
        return is_wanted

    def _is_worth_waiting(self) -> bool:
        """Whether answers that are there already would be lost: for a while, the others are waited for as well."""
        now = time.monotonic()
        if self._unwanted_until is None:
            self._unwanted_until = now + self.stopping.seconds
        until = min(self._unwanted_until, self.stopping.until)
        return self._one is not None and self._made > self._one and self._budget.rest is None and now < until

    def _reason(self) -> str:
        rest, name = self._budget.rest, self._budget.name
        if rest is not None:
            return f"rests for the limit of {name} until {rest.until:%H:%M:%S} UTC: {rest.reason}"
        return f"waits for its turn in the limit of {name}"

    async def _tell(self, reason: str | None) -> None:
        if reason == self._told:
            return
        async with question(self._pool, 10) as connection:
            if reason is None:
                await partitions.tell_goes_on(connection, self._claim, self._told or "")
            else:
                await partitions.tell_held(connection, self._claim, reason)
        self._told = reason

    def _end(self, error: Exception) -> None:
        for turn in [*self._waiting]:
            if not turn.done():
                turn.set_exception(error)
