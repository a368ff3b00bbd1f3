"""What became of records that were computed: plain data, so that another process can send it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcomes:
    """By places in what was given to compute; a record that is in none of these was not come to."""

    values: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    skipped: dict[int, str] = field(default_factory=dict)
    failed: dict[int, tuple[str, str]] = field(default_factory=dict)
    again: dict[int, tuple[str, str]] = field(default_factory=dict)  # later, it may succeed
    held: tuple[str, float] | None = None  # a service wants to be left alone, for this reason, so many seconds

    def __contains__(self, place: int) -> bool:
        return place in self.values or place in self.failed or place in self.skipped or place in self.again

    def add(self, other: "Outcomes", places: list[int]) -> None:
        """Take over what became of the records at these places of all."""
        self.values |= {places[place]: one for place, one in other.values.items()}
        self.skipped |= {places[place]: one for place, one in other.skipped.items()}
        self.failed |= {places[place]: one for place, one in other.failed.items()}
        self.again |= {places[place]: one for place, one in other.again.items()}
        self.held = self.held or other.held
