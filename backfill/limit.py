"""How often a definition may call a service: one budget for all workers together, kept in the ledger."""

import math
import re
from dataclasses import dataclass
from typing import Final

from backfill.errors import UsageError

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")  # of a backfill, and of a limit
LOWEST_RATE: Final = 1 / 86_400  # once a day; a turn further away than that is none
MOST: Final = 1_000_000  # a burst, and calls under way


@dataclass(frozen=True)
class Limit:
    """What a service allows.

    rate         calls a second; None: as many as there are
    burst        calls that may come at once after a rest
    concurrency  calls under way at once; None: as many as there are
    adaptive     halve the rate when the service refuses a call, and let it creep up again while it does not
    name         whose budget it is, where several definitions call the same service; else the definition's own
    """

    rate: float | None = None
    burst: int = 1
    concurrency: int | None = None
    adaptive: bool = True
    name: str = ""

    def __post_init__(self) -> None:
        """Raise UsageError for what is no limit, as soon as somebody writes it down."""
        rate = self.rate
        if rate is not None and not (_is_number(rate) and math.isfinite(rate) and rate >= LOWEST_RATE):
            raise UsageError(f"Limit(rate={rate!r}): give calls a second, at least one a day (1 / 86_400), or None")
        if not _is_count(self.burst):
            raise UsageError(f"Limit(burst={self.burst!r}): give a whole number from 1 to {MOST:,}")
        if self.concurrency is not None and not _is_count(self.concurrency):
            raise UsageError(
                f"Limit(concurrency={self.concurrency!r}): give a whole number from 1 to {MOST:,}, or None"
            )
        if not isinstance(self.adaptive, bool):
            raise UsageError(f"Limit(adaptive={self.adaptive!r}): give True or False")
        if self.name != "" and not (isinstance(self.name, str) and NAME.fullmatch(self.name)):
            raise UsageError(f"Limit(name={self.name!r}): use lower-case letters, digits and _, at most 40")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST
