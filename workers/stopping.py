"""A worker that is told to stop, and how long what it has in hand may still wait for answers."""

import asyncio
import math
from time import monotonic
from typing import Final

GRACE_SECONDS: Final = 1.0  # after the drain, for what is asked to end then
MOST_FOR_WRITING: Final = 5.0  # seconds of the drain that are left for writing what was answered, or a quarter of it


class Stopping(asyncio.Event):
    """Set once, when the worker is told to."""

    def __init__(self, drain_seconds: float) -> None:
        super().__init__()
        self._drain = drain_seconds
        self.seconds = drain_seconds - min(MOST_FOR_WRITING, drain_seconds / 4)  # for answers
        self.until = math.inf  # they are waited for; then what has been answered is written
        self._closes = math.inf

    def set(self) -> None:
        if not self.is_set():
            self.until = monotonic() + self.seconds
            self._closes = monotonic() + self._drain + GRACE_SECONDS
        super().set()

    def is_over(self) -> bool:
        """Whether what was asked to end, and has not, is to be closed."""
        return monotonic() >= self._closes
