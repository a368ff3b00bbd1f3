"""What the service has seen, counted as it happens; nothing of it depends on what clients say."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from backfill.examples.service.limit import SECOND


@dataclass
class Counts:
    """Counts of the calls that the limit is for; those about the service itself are not among them."""

    clock: Callable[[], float]
    calls: int = 0
    served: int = 0  # let through by the limit, whatever became of them
    refused: int = 0  # 429 and 503
    refused_after_first: int = 0  # calls that exceeded the maximum though a 429 had been answered before
    too_early: int = 0  # calls before the end of a Retry-After that was true and had been answered
    worst_second: int = 0  # the most calls within any second, taken or refused
    in_flight: int = 0
    most_in_flight: int = 0
    misbehaved: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    _recent: deque[float] = field(default_factory=deque)
    _not_before: float = float("-inf")

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call from its first line to its answer."""
        now = self.clock()
        self.calls += 1
        self.too_early += now < self._not_before
        self._recent.append(now)
        while now - self._recent[0] >= SECOND:
            self._recent.popleft()
        self.worst_second = max(self.worst_second, len(self._recent))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    def serve(self, keys: Iterable[str]) -> None:
        """The limit has let a call for these keys through."""
        self.served += 1
        self.keys.update(keys)

    def refuse(self, seconds: float | None) -> None:
        """The limit has refused a call; `seconds` is how long the client was asked to wait, None for a lie."""
        self.refused_after_first += self.refused > 0
        self.refused += 1
        if seconds is not None:
            self._not_before = max(self._not_before, self.clock() + seconds)

    def shown(self, bans: int) -> dict[str, Any]:
        """As `GET /counts` answers."""
        names = ("calls", "served", "refused", "refused_after_first", "too_early", "worst_second")
        return {
            **{name: getattr(self, name) for name in names},
            "bans": bans,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "misbehaved": dict(self.misbehaved),
            "keys": dict(self.keys),
        }
