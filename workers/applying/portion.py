"""How many records of a definition one transaction writes: so many that others never wait long for its locks."""

from dataclasses import dataclass
from typing import Final

LOCKED_MS: Final = 300  # a statement that would keep rows locked for longer is cut off, unless it is for one row
TRANSACTION_MS: Final = 60_000  # of such statements; a worker that is suspended keeps its rows locked for so long
QUICK_SECONDS: Final = 0.1
FIRST: Final = 1_000
MOST: Final = 10_000


@dataclass
class Portion:
    """Learns from what was cut off; whatever triggers and indexes a table has, there is a size that fits.

    Only being cut off makes it smaller: a slow network, or a COMMIT that waits for a replica, slows single records too.
    """

    records: int = FIRST

    def done(self, records: int, seconds: float) -> None:
        if seconds < QUICK_SECONDS and records >= self.records:
            self.records = min(MOST, self.records * 2)

    def cut_off(self, records: int) -> None:
        self.records = max(1, min(self.records, records) // 4)
