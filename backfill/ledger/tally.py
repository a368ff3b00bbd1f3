"""What became of a partition's records, while it is worked on."""

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from backfill.states import OUTCOMES
from backfill.texts import clean

MOST_REASONS: Final = 50  # different ones, kept of a partition; as many as sql/ledger/partitions/conclude.sql keeps
MOST_OF_A_REASON: Final = 500
OTHER_REASONS: Final = "other reasons"
NOT_ADDED: Final = frozenset({"later", "state"})  # they are of the one round


@dataclass
class Tally:
    """Each record is counted exactly once."""

    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)  # record id -> error class, message
    left: list[str] = field(default_factory=list)  # of those: as they were, or with a value that the mode still selects
    remaining: dict[str, tuple[str, str]] = field(default_factory=dict)  # to be tried again, and why
    held: dict[str, str] = field(default_factory=dict)  # somebody has a lock that they need, which is no attempt
    later: list[str] = field(default_factory=list)  # not come to yet: nothing was wrong with them
    calls: int = 0  # to a service, for whichever records
    refused: int = 0  # of those
    state: str = "running"  # of the partition, once the tally is settled

    def skip(self, record: str, reason: str) -> None:
        """Leave the record alone, as it was, for this reason."""
        self.skipped[reason] += 1
        self.left.append(record)

    def counts(self) -> dict[str, int]:
        """How many records have come to each outcome, in the order of OUTCOMES."""
        found = {name: getattr(self, name) for name in OUTCOMES}
        return found | {"skipped": self.skipped.total(), "failed": len(self.failed)}

    def copy(self) -> "Tally":
        fresh = Tally(later=list(self.later))
        fresh.add(self)
        return fresh

    def add(self, other: "Tally") -> None:
        for one in fields(self):
            if one.name not in NOT_ADDED:
                mine, theirs = getattr(self, one.name), getattr(other, one.name)
                join: Callable[[Any, Any], Any] = operator.ior if type(mine) is dict else operator.iadd
                setattr(self, one.name, join(mine, theirs))

    def reasons(self) -> dict[str, int]:
        """Why records were skipped: texts that the ledger can hold, no more than it keeps, the most frequent ones."""
        cleaned: Counter[str] = Counter()
        for reason, count in self.skipped.items():
            cleaned[clean(reason, MOST_OF_A_REASON)] += count
        kept = Counter(dict(cleaned.most_common(MOST_REASONS)))
        if rest := cleaned.total() - kept.total():
            kept[OTHER_REASONS] += rest
        return kept
