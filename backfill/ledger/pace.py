"""How many rows one statement reads of a table that may be of any size and shape."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import asyncpg

T = TypeVar("T")

FEWEST_ROWS: Final = 100  # read by one statement, when even those take too long the database is to blame
MOST_ROWS: Final = 200_000
QUICK_SECONDS: Final = 0.25
SLOW_SECONDS: Final = 2.0


@dataclass
class Pace:
    """How many rows one statement reads: so many that it stays far from every timeout, however little matches."""

    rows: int

    async def step(self, work: Callable[[int], Awaitable[T]], *, enough: Callable[[T], int | None]) -> T:
        """Do one span; one that is cut off for its length is repeated with fewer rows.

        `enough` says after how many rows reading on was for nothing, None when more of them would have been welcome.
        """
        while True:
            began = time.monotonic()
            try:
                result = await work(self.rows)
            except (asyncpg.QueryCanceledError, TimeoutError):
                if self.rows <= FEWEST_ROWS:
                    raise
                self.rows = max(FEWEST_ROWS, self.rows // 8)
                continue
            seconds = time.monotonic() - began
            if (most := enough(result)) is not None:
                self.rows = min(self.rows, most)
            elif seconds < QUICK_SECONDS:
                self.rows = min(MOST_ROWS, self.rows * 2)
            elif seconds > SLOW_SECONDS:
                self.rows = max(FEWEST_ROWS, self.rows // 2)
            return result
