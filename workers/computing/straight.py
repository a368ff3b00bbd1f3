"""Plain functions of a definition, called for a stretch of rows: in the loop, in a thread or in another process."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from backfill import computing
from backfill.column_backfill import ColumnBackfill
from backfill.errors import HeldError
from backfill.workers.computing.judge import NOTHING, Judge, counted, within
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.watch import RecordTimeoutError

Rows = Sequence[Mapping[str, Any]]


class Straight:
    """Calls compute or compute_many; `begin` is told the first place and the number of records of each call."""

    def __init__(
        self,
        definition: ColumnBackfill,
        names: Sequence[str],
        begin: Callable[[int, int], None],
        end: Callable[[], None],
    ) -> None:
        self._definition = definition
        self._computing = computing.of(definition)
        self._names = names
        self._begin = begin
        self._end = end

    def work(self, rows: Rows, is_over: Callable[[], bool]) -> Outcomes:
        """Compute until nothing is left, or time is over."""
        outcomes = Outcomes()
        for _ in self.steps(rows, outcomes, is_over):
            pass
        return outcomes

    def steps(self, rows: Rows, outcomes: Outcomes, is_over: Callable[[], bool]) -> Iterator[None]:
        """The same call by call, for whoever has something to do in between."""
        judge = Judge(self._names, outcomes)
        steps = self._many(rows, judge, is_over) if self._computing.is_many else self._each(rows, judge, is_over)
        for _ in steps:
            if outcomes.held is not None:
                return
            yield

    def _each(self, rows: Rows, judge: Judge, is_over: Callable[[], bool]) -> Iterator[None]:
        compute, begin, end = self._definition.compute, self._begin, self._end
        for place, row in enumerate(rows):
            if is_over():
                return
            result: Any = NOTHING
            try:
                begin(place, 1)
                try:
                    result = compute(row)
                finally:
                    end()
                judge.result(place, row, result)
            except BaseException as error:  # nothing that `compute` raises is the worker's end, SystemExit neither
                if (held := within(error, HeldError)) is not None:
                    judge.hold(held)
                else:
                    judge.error(place, row, error)
            yield

    def _many(self, rows: Rows, judge: Judge, is_over: Callable[[], bool]) -> Iterator[None]:
        compute, begin, end = self._definition.compute_many, self._begin, self._end
        size, reached, halves = self._computing.call_size, 0, deque[range]()
        while (halves or reached < len(rows)) and not is_over():
            piece = halves.popleft() if halves else range(reached, min(reached + size, len(rows)))
            reached = max(reached, piece.stop)
            try:
                begin(piece.start, len(piece))
                try:
                    found = compute([rows[place] for place in piece])
                finally:
                    end()
                judge.results(piece, rows, counted(found, len(piece)))
            except BaseException as error:
                if (held := within(error, HeldError)) is not None:
                    judge.hold(held)
                elif len(piece) == 1:
                    judge.error(piece.start, rows[piece.start], error)
                else:
                    halves.extendleft(reversed(halved(piece)))
                    if isinstance(error, RecordTimeoutError):  # none that is longer would be in time either
                        size = max(1, len(piece) // 2)
            yield


def halved(piece: range) -> list[range]:
    middle = piece.start + len(piece) // 2
    return [range(piece.start, middle), range(middle, piece.stop)]
