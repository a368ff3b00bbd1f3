"""Async functions of a definition: some calls under way at once, each within the limit and bounded in time."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Final

from backfill import computing
from backfill.cancelling import cancel, cancel_requests
from backfill.column_backfill import ColumnBackfill
from backfill.errors import HeldError
from backfill.workers.computing.judge import Judge, counted, within
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.steps import watched
from backfill.workers.computing.straight import halved
from backfill.workers.limits.spending import Spending, UnwantedError
from backfill.workers.watch import Watch

GRACE_SECONDS: Final = 1.0  # for a call to end once it is asked to; then it is closed
CLOCK_SECONDS: Final = 0.02  # timers may come a little early


class Calling:
    """The calls for the rows of one partition."""

    def __init__(
        self,
        definition: ColumnBackfill,
        names: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
        about: Callable[[int, int], str],
        watch: Watch,
        spending: Spending,
        seconds: float,
        *,
        last_attempt: bool,
    ) -> None:
        self._definition = definition
        self._computing = computing.of(definition)
        self._rows = rows
        self._about = about
        self._watch = watch
        self._spending = spending
        self._seconds = seconds
        self._last_attempt = last_attempt
        self._outcomes = Outcomes()
        self._judge = Judge(names, self._outcomes, with_outages=True)
        self._reached = 0
        self._halves: deque[range] = deque()
        self._under_way: set[asyncio.Task[None] | None] = set()
        self._is_over = False
        self._ends_by = math.inf  # all calls

    async def work(self, until: float) -> Outcomes:
        """Call until all have been, the service or the limit wants no more, or time is over; no call outlives this.

        Calls that are under way then are finished, those that wait for the limit are not begun. A worker that stops
        waits for them as long as what was answered can still be written.
        """
        running: set[asyncio.Task[None]] = set()
        stopping = asyncio.create_task(self._spending.stopping.wait(), name="wait for a stop")
        try:
            while running or self._is_left:
                while self._is_left and len(running) < self._computing.at_once:
                    running.add(asyncio.create_task(self._call(self._next()), name="call of a definition"))
                ended = await self._one_of(running, stopping, until)
                running -= ended
                is_wanted = _is_wanted(ended)
                if monotonic() >= self._spending.stopping.until:
                    break
                if not self._is_over and (not is_wanted or self._outcomes.held is not None or monotonic() >= until):
                    self._is_over = True
                    for task in running - self._under_way:
                        task.cancel()
        finally:
            # Sooner than somebody who waits for this to end asks a second time.
            self._ends_by = monotonic() + GRACE_SECONDS
            await cancel({stopping, *running}, GRACE_SECONDS)
            _errors(running)
        return self._outcomes

    async def _one_of(
        self, running: set[asyncio.Task[None]], stopping: asyncio.Task[Any], until: float
    ) -> set[asyncio.Task[None]]:
        """Wait until one of them ends, or for as long as that makes sense."""
        ends = min(math.inf if self._is_over else until, self._spending.stopping.until)
        done, _ = await asyncio.wait(
            running if stopping.done() else {*running, stopping},
            timeout=None if ends == math.inf else max(0.0, ends - monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
        return running & done

    @property
    def _is_left(self) -> bool:
        return not self._is_over and (bool(self._halves) or self._reached < len(self._rows))

    def _next(self) -> range:
        if self._halves:
            return self._halves.popleft()
        piece = range(self._reached, min(self._reached + self._computing.call_size, len(self._rows)))
        self._reached = piece.stop
        return piece

    async def _call(self, piece: range) -> None:
        """One call, and what became of its records; raises what the limit raises."""
        error: BaseException | None = None
        limit: asyncio.Timeout | None = None
        try:
            async with self._spending.call():
                self._under_way.add(asyncio.current_task())
                try:
                    # The outer limit is for a call that goes on though the inner one has asked it to end.
                    async with asyncio.timeout(self._seconds + GRACE_SECONDS), asyncio.timeout(self._seconds) as limit:
                        about = self._about(piece.start, len(piece))
                        found = await watched(self._begin(piece), self._watch, about, self._is_late(monotonic()))
                except BaseException as raised:
                    error = raised
                    raise
                finally:
                    self._under_way.discard(asyncio.current_task())
        except BaseException as raised:
            if raised is not error or cancel_requests():
                raise
        if error is None:
            try:
                results = counted(found, len(piece)) if self._computing.is_many else [found]
            except (TypeError, ValueError) as wrong:
                error = wrong
        if error is not None:
            await self._raised(piece, error, is_late=limit is not None and limit.expired())
        elif self._computing.is_many:
            if (held := self._judge.results(piece, self._rows, results)) is not None:
                await self._spending.held(held)
        else:
            self._judge.result(piece.start, self._rows[piece.start], found)

    def _is_late(self, began: float) -> Callable[[], bool]:
        """Whether a call has had its time, and the grace after it."""
        return lambda: monotonic() > min(self._ends_by, began + self._seconds + GRACE_SECONDS) - CLOCK_SECONDS

    async def _begin(self, piece: range) -> Any:
        if self._computing.is_many:
            return await self._definition.compute_many([self._rows[place] for place in piece])
        return await self._definition.compute(self._rows[piece.start])

    async def _raised(self, piece: range, error: BaseException, *, is_late: bool) -> None:
        if (held := within(error, HeldError)) is not None:
            self._judge.hold(held)
            await self._spending.held(held)
        elif len(piece) > 1 and self._last_attempt and (is_late or self._judge.may_pass(error)):
            self._halves.extend(halved(piece))  # one of them may be why the service never answers
        elif is_late:
            text = f"not answered within the {self._seconds:g} s that one call may take (BACKFILL_RECORD_SECONDS)"
            self._outcomes.again |= dict.fromkeys(piece, ("TimeoutError", text))
        elif len(piece) == 1 or self._judge.may_pass(error):
            for place in piece:
                self._judge.error(place, self._rows[place], error)
        else:
            self._halves.extend(halved(piece))


def _is_wanted(ended: set[asyncio.Task[None]]) -> bool:
    """Whether more is to be called; raises what one of them has died of."""
    errors = _errors(ended)
    for error in errors:
        if not isinstance(error, UnwantedError):
            raise error
    return not errors


def _errors(tasks: set[asyncio.Task[None]]) -> list[BaseException]:
    """What they died of; once asked for, asyncio does not complain about it."""
    found = [None if task.cancelled() else task.exception() for task in tasks]
    return [error for error in found if error is not None]
