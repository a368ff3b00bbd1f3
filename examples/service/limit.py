"""What the service allows: so many calls in any second, and a ban for who goes on after being refused."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

SECOND: Final = 1.0


@dataclass(frozen=True)
class Refusal:
    """How a call is refused."""

    status: int
    seconds: float  # until calls are taken again


@dataclass
class Limit:
    """At most `rate` calls are taken in any second; after `ban_after` refusals in a row none for `ban_seconds`.

    A refused call takes no place in the second. One that is refused by a ban does not make it longer.
    """

    rate: int
    ban_after: int
    ban_seconds: float
    clock: Callable[[], float]
    bans: int = 0
    _taken: deque[float] = field(default_factory=deque)
    _refused_in_a_row: int = 0
    _banned_until: float = float("-inf")

    def take(self) -> Refusal | None:
        """Take a call, or say how it is refused."""
        now = self.clock()
        if now < self._banned_until:
            return Refusal(503, self._banned_until - now)
        while self._taken and now - self._taken[0] >= SECOND:
            self._taken.popleft()
        if len(self._taken) < self.rate:
            self._taken.append(now)
            self._refused_in_a_row = 0
            return None
        self._refused_in_a_row += 1
        if self._refused_in_a_row < self.ban_after:
            return Refusal(429, self._taken[0] + SECOND - now)
        self.bans += 1
        self._refused_in_a_row = 0
        self._banned_until = now + self.ban_seconds
        return Refusal(503, self.ban_seconds)
