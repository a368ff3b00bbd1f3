"""How often a pattern was seen in a stretch of a log, with the first and the newest lines."""

from dataclasses import dataclass, field
from typing import Final

from backfill.monitor.readings import MOST_EXAMPLES, MOST_MINUTES

MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Example:
    """A line, by its number from the beginning of the stretch."""

    number: int
    text: str
    at: float | None


@dataclass(slots=True)
class Happening:
    """Lines that one pattern is in."""

    total: int = 0
    minutes: dict[int, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    last_at: float | None = None

    def add(self, example: Example) -> None:
        """One more line."""
        self.total += 1
        self._keep(example)
        if example.at is not None:
            self._count(int(example.at // MINUTE), 1)
            self._last(example.at)

    def then(self, other: "Happening", lines: int) -> None:
        """What comes behind it in the file, after so many lines of its own."""
        self.total += other.total
        for one in other.examples:
            self._keep(Example(one.number + lines, one.text, one.at))
        for minute, count in other.minutes.items():
            self._count(minute, count)
        if other.last_at is not None:
            self._last(other.last_at)

    def older(self, days: int) -> None:
        """All of it was so many days before."""
        back = days * 1_440 * MINUTE
        self.minutes = {minute - days * 1_440: count for minute, count in self.minutes.items()}
        self.examples = [
            Example(one.number, one.text, one.at - back if one.at is not None else None) for one in self.examples
        ]
        self.last_at = self.last_at - back if self.last_at is not None else None

    def _last(self, at: float) -> None:
        self.last_at = at if self.last_at is None else max(self.last_at, at)

    def _keep(self, example: Example) -> None:
        self.examples.append(example)
        if len(self.examples) > MOST_EXAMPLES:
            del self.examples[1]

    def _count(self, minute: int, count: int) -> None:
        self.minutes[minute] = self.minutes.get(minute, 0) + count
        if len(self.minutes) > MOST_MINUTES:
            del self.minutes[min(self.minutes)]
