"""Turns to call a service that this worker has taken: each at its time, or never."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from backfill.ledger.limits import Turns as Granted

LATE_SECONDS: Final = 0.05  # or half the distance of two, where that is more


@dataclass
class _Run:
    due: float  # of the next one
    step: float
    left: int
    late: float  # how long after that it may still be used


class Turns:
    """A stock of turns. One that was not used in its time is dropped: a worker that stood still makes up for nothing.

    With calls no later than a twentieth of a second there are never more than 1.05 times the rate in a second.
    """

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        return sum(run.left for run in self._runs)

    def add(self, granted: Granted, asked: float, now: float, quickest: float) -> None:
        """Turns of an answer that has just come to a question of then.

        Whether question or answer was slow is not known. What took longer than the `quickest` may have made them late
        already.
        """
        if not granted.granted or granted.step is None:
            return
        late = max(LATE_SECONDS, granted.step / 2) - max(0.0, now - asked - granted.waited - quickest)
        # Turns of the past are what may come at once.
        missed = min(granted.granted, max(0, int(-granted.first / granted.step + 1e-6)))
        if late <= 0:
            self.dropped += granted.granted
            return
        if missed:
            self._runs.append(_Run(now, 0.0, missed, late))
        if granted.granted > missed:
            first = max(0.0, granted.first + missed * granted.step)
            self._runs.append(_Run(now + first, granted.step, granted.granted - missed, late))

    def use(self, now: float) -> bool:
        """Use a turn, if it is time for one."""
        self.drop(now)
        if not self._runs or self._runs[0].due > now:
            return False
        self._take(1)
        return True

    @property
    def next(self) -> float | None:
        """When the next one is due."""
        return self._runs[0].due if self._runs else None

    @property
    def last(self) -> float | None:
        """When the last one is due."""
        return self._runs[-1].due + (self._runs[-1].left - 1) * self._runs[-1].step if self._runs else None

    @property
    def step(self) -> float | None:
        return self._runs[-1].step if self._runs else None

    def clear(self) -> None:
        self._runs.clear()

    def drop(self, now: float) -> None:
        """Forget those whose time has passed."""
        while self._runs and (run := self._runs[0]).due + run.late < now:
            gone = run.left if run.step == 0 else min(run.left, int((now - run.late - run.due) / run.step) + 1)
            self._take(gone)
            self.dropped += gone

    def _take(self, count: int) -> None:
        run = self._runs[0]
        run.left -= count
        run.due += count * run.step
        if not run.left:
            self._runs.popleft()
