"""What one limit lets this worker call: turns and permits that it has of those of all workers, and who waits for one.

Everything is done by `_move`, which is called when something has changed and when it is time for something.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import asyncpg

from backfill.database import Pool
from backfill.ledger import limits
from backfill.ledger.limits import Rest
from backfill.limit import Limit
from backfill.workers.limits.asking import question
from backfill.workers.limits.turns import Turns

Turn = asyncio.Future[None]  # done: it may be called now

FRESH_SECONDS: Final = 0.25  # what was heard of the limit holds so long: a rest begins everywhere within that time
STOCK_SECONDS: Final = 0.2  # turns of so long are taken at once, for the fleet's rate
REFILL_SECONDS: Final = 0.1  # before the last of them is due
MOST_TURNS: Final = 2_000  # at once
SILENT_SECONDS: Final = 0.05  # after a question that was not answered
LONGEST_REST: Final = 2.0  # until a limit that is held is looked at again: somebody may have let it go
ACQUIRE_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 5.0  # a machine that stands still for some of them loses no count
REMEMBERED: Final = 20  # questions, of which the quickest counts


class Budget:
    """A limit, as all slots of this worker spend it."""

    def __init__(self, pool: Pool, worker: UUID, lease_seconds: float, name: str, limit: Limit | None) -> None:
        self.name = name
        self.limit = limit
        self.asked = 0  # questions to the ledger
        self._pool = pool
        self._worker = worker
        self._lease = lease_seconds
        self._turns = Turns()
        self._waiting: deque[Turn] = deque()
        self._looking: set[Turn] = set()  # wait for no turn, only for the end of a rest
        self._under_way = 0
        self._made = 0  # since the last question
        self._recent: deque[float] = deque()
        self._wanted = 0  # at most at once, since the last question
        self._told = 0  # of those
        self._permits: int | None = 0
        self._permits_until = 0.0
        self._gives_way = False  # the ledger counts more than may be: others wait to hear that it is over
        self._heard = float("-inf")
        self._rest: Rest | None = None
        self._rests_until = 0.0
        self._silent_until = 0.0  # nothing is asked
        self._durations: deque[float] = deque(maxlen=REMEMBERED)
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def turn(self) -> Turn:
        """A turn for one call; `leave` it in any case."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._wanted = max(self._wanted, self._under_way + len(self._waiting))
        self._move()
        return turn

    def leave(self, turn: Turn) -> None:
        """The call is over, or will not be made."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._under_way -= 1
        else:
            turn.cancel()
            self._waiting = deque(one for one in self._waiting if not one.done())
        self._move()

    def look(self) -> Turn:
        """Done once it is known that the limit does not rest."""
        turn: Turn = asyncio.get_running_loop().create_future()
        turn.add_done_callback(self._looking.discard)
        self._looking.add(turn)
        self._move()
        return turn

    async def refuse(self, job: UUID, seconds: object, reason: object) -> None:
        """The service has refused a call."""
        async with question(self._pool, ACQUIRE_SECONDS) as connection:
            rest = await limits.rest(connection, self.name, job, seconds, reason)
        self._rests(rest)
        self._move()

    @property
    def rest(self) -> Rest | None:
        """For as long as the limit is held."""
        return self._rest if asyncio.get_running_loop().time() < self._rests_until else None

    async def close(self) -> None:
        """Ask for nothing more, and tell the ledger of the last calls, where it answers."""
        self._is_closed = True
        with contextlib.suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._asking is not None:
                    await self._asking
                if self._made and self.limit is not None:
                    await self._take(turns=0, made=self._made, under_way=0, wanted=0)
                    self._made = 0
        if self._timer is not None:
            self._timer.cancel()

    # --- what is done when

    def _move(self) -> None:
        """Let in whoever may call now, ask the ledger where that is needed, and come back when it is time."""
        now = asyncio.get_running_loop().time()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_closed:
            return
        self._turns.drop(now)
        if now - self._heard < FRESH_SECONDS and now >= self._rests_until:
            self._let(now)
        if self._asking is None and (turns := self._asks(now)) is not None:
            self._asking = asyncio.create_task(self._ask(turns), name=f"question for turns of {self.name}")
        if (then := min(self._moments(now), default=None)) is not None:
            self._timer = asyncio.get_running_loop().call_at(max(then, now + 0.0005), self._move)

    def _let(self, now: float) -> None:
        for looking in self._looking:
            if not looking.done():
                looking.set_result(None)
        while self._waiting:
            if self._waiting[0].done():  # given up
                self._waiting.popleft()
                continue
            if not self._has_permit(now) or not (self._has_no_rate or self._turns.use(now)):
                return
            self._waiting.popleft().set_result(None)
            self._under_way += 1
            self._made += 1
            if not self._has_no_rate:
                self._recent.append(now)

    @property
    def _has_no_rate(self) -> bool:
        return self.limit is None or self.limit.rate is None

    def _has_permit(self, now: float) -> bool:
        if not self._is_limited:
            return True
        return self._permits is not None and self._under_way < self._permits and now < self._permits_until

    @property
    def _is_limited(self) -> bool:
        """Whether calls under way are."""
        return self.limit is not None and self.limit.concurrency is not None

    @property
    def _has_business(self) -> bool:
        """Whether the ledger is to be asked now and then: somebody waits, or it has to know something."""
        if self._waiting or self._looking:
            return True
        has_share = self._is_limited and bool(self._permits or self._told)
        return has_share or (self._made > 0 and self.limit is not None)

    def _asks(self, now: float) -> int | None:
        """How many turns to ask for; None: there is nothing to ask."""
        if now < self._silent_until or not self._has_business:
            return None
        if now < self._rests_until:
            return 0 if now - self._heard >= LONGEST_REST else None
        lacking = self._lacking(now)
        if lacking or now - self._heard >= FRESH_SECONDS:
            return lacking
        has_given_way = self._gives_way and self._under_way <= (self._permits or 0)
        wants_more = bool(self._waiting) and not self._has_permit(now) and self._wanted > self._told
        return 0 if has_given_way or wants_more else None

    def _lacking(self, now: float) -> int:
        """Turns that those who wait will need, and what they have used in the last tenth of a second."""
        if self.limit is None or self.limit.rate is None or not self._waiting:
            return 0
        last = self._turns.last
        if last is not None and last > now + REFILL_SECONDS:
            return 0
        while self._recent and self._recent[0] < now - REFILL_SECONDS:
            self._recent.popleft()
        most = min(MOST_TURNS, max(1, int(self.limit.rate * STOCK_SECONDS), self.limit.burst))
        wanted = len(self._waiting) + len(self._recent)
        if self.limit.concurrency is not None:  # without a permit a turn is of no use
            wanted = min(wanted, max(1, self._permits or 0) + len(self._recent))
        return max(0, min(most, wanted - len(self._turns)))

    def _moments(self, now: float) -> Iterable[float]:
        """When something may have to be done."""
        rests = now < self._rests_until
        if self._asking is None and self._has_business:
            next_look = min(self._rests_until, self._heard + LONGEST_REST) if rests else self._heard + FRESH_SECONDS
            yield max(next_look, self._silent_until)
            last = self._turns.last
            if self._waiting and not rests and last is not None and last - REFILL_SECONDS > now:
                yield last - REFILL_SECONDS
        due = self._turns.next
        if self._waiting and not rests and due is not None and due > now and self._has_permit(now):
            yield due

    async def _ask(self, turns: int) -> None:
        loop = asyncio.get_running_loop()
        made, self._made = self._made, 0
        wanted, self._wanted = self._wanted, self._under_way + len(self._waiting)
        wanted = max(wanted, self._wanted)
        # What may be under way until the answer is there counts as if it was.
        permits = (self._permits or 0) if loop.time() < self._permits_until else 0
        under_way = max(self._under_way, min(permits, wanted))
        self._permits, self._gives_way = min(permits, under_way), False
        try:
            found, asked = await self._take(turns=turns, made=made, under_way=under_way, wanted=wanted)
        except Exception as error:
            self._asking, self._made = None, self._made + made
            self._silent_until = loop.time() + SILENT_SECONDS
            if not isinstance(error, asyncpg.TransactionRollbackError):  # sessions in each other's way
                self._fail(error)
            self._move()
            return
        self.asked += 1
        now = loop.time()
        self._durations.append(max(0.0, now - asked - found.waited))
        self._heard, self._asking = now, None
        self._permits, self._told, self._permits_until = found.permits, wanted, asked + self._lease
        self._gives_way = found.permits is not None and under_way > found.permits
        if found.rest is not None:
            self._rests(found.rest)
        else:
            self._rests_until = 0.0
            if self._turns.step and found.step and found.step < self._turns.step / 2:  # by then much has changed
                self._turns.clear()
            self._turns.add(found, asked, now, min(self._durations))
        self._move()

    async def _take(self, **numbers: int) -> tuple[limits.Turns, float]:
        """The answer, and when the question was sent."""
        async with question(self._pool, ACQUIRE_SECONDS) as connection:
            asked = asyncio.get_running_loop().time()
            found = await limits.take(connection, self.name, self.limit, self._worker, self._lease, **numbers)
        return found, asked

    def _rests(self, rest: Rest) -> None:
        now = asyncio.get_running_loop().time()
        self._heard = now
        self._turns.clear()
        self._rest, self._rests_until = rest, now + rest.seconds

    def _fail(self, error: Exception) -> None:
        """The ledger does not answer: those who wait go the way of everybody for whom it does not."""
        waiting = [*self._waiting, *self._looking]
        self._waiting.clear()
        for turn in waiting:
            if not turn.done():
                turn.set_exception(error)
