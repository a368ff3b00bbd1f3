"""What this process did: counts of committed partitions, and a rate over the last 30 seconds."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from backfill.ledger.tally import Tally
from backfill.states import OUTCOMES
from backfill.workers import trace
from backfill.workers.durations import Durations

WINDOW_SECONDS: Final = 30.0


@dataclass
class Stats:
    """Counts since the process started; of records unless the name says otherwise."""

    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    deleted: int = 0
    put_back: int = 0  # for a later attempt, each time that one is
    partitions: int = 0
    duplicates: int = 0  # deliveries that found nothing to claim
    fenced: int = 0  # partitions lost to a later claim
    dead: int = 0  # messages put into the dead queue
    calls: int = 0  # to a service, committed or not
    refused: int = 0  # of those: the service asked to be left alone
    held: int = 0  # partitions in hand that wait for somebody's lock now
    ended: dict[str, Durations] = field(
        default_factory=lambda: {state: Durations() for state in ("completed", "failed", "skipped")}
    )  # partitions by the state in which they ended, from claim to end
    began: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    last_at: float | None = None
    _recent: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def records(self) -> int:
        return sum(getattr(self, outcome) for outcome in OUTCOMES)

    def add(self, tally: Tally, began: float) -> None:
        """Count a committed apply that began at that monotonic time."""
        trace.committed(tally)
        now = time.monotonic()
        self.first_at = began if self.first_at is None else min(self.first_at, began)
        self.last_at = now
        counts = tally.counts()
        for outcome, count in counts.items():
            setattr(self, outcome, getattr(self, outcome) + count)
        self.partitions += 1
        self._recent.append((now, sum(counts.values())))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
            self._recent.popleft()

    def rate(self) -> float:
        """Records a second over the last 30 seconds, or since the first one when that is less."""
        now = time.monotonic()
        self._forget(now)
        since = max(now - WINDOW_SECONDS, self.first_at if self.first_at is not None else now)
        return sum(records for _, records in self._recent) / max(now - since, 0.001)

    def overall(self) -> float:
        """Records a second from the first delivery to the last commit."""
        if self.first_at is None or self.last_at is None:
            return 0.0
        return self.records / max(self.last_at - self.first_at, 0.001)

    def line(self) -> str:
        """The rolling line."""
        return f"[{self.records:,}] Rate: {self.rate():,.1f}/sec | {self._counts()}"

    def summary(self) -> str:
        """The last line of a worker."""
        seconds = (self.last_at or 0.0) - (self.first_at or 0.0)
        return f"Processed {self.records:,} records in {seconds:.1f} s ({self.overall():,.1f}/sec) | {self._counts()}"

    def _counts(self) -> str:
        parts = [f"Updated: {self.updated:,}", f"Skipped: {self.skipped:,}", f"Errors: {self.failed:,}"]
        rare = {"Unchanged": self.unchanged, "Deleted": self.deleted, "Put back": self.put_back}
        rare |= {"Fenced": self.fenced, "Dead": self.dead, "Calls": self.calls, "Refused": self.refused}
        return " | ".join(parts + [f"{name}: {count:,}" for name, count in rare.items() if count])

    def as_dict(self) -> dict[str, int]:
        names = (*OUTCOMES, "put_back", "partitions", "duplicates", "fenced", "dead", "calls", "refused")
        return {name: getattr(self, name) for name in names}
