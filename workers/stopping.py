"""A worker that is told to stop, and how long what it has in hand may still wait for answers."""

import asyncio
import math
from time import monotonic
from typing import Final

MOST_FOR_WRITING: Final = 5.0  # seconds of the drain that are left for writing what was answered, or a quarter of it


class Stopping(asyncio.Event):
    """Set once, when the worker is told to."""

    def __init__(self, drain_seconds: float) -> None:
        super().__init__()
        self.seconds = drain_seconds - min(MOST_FOR_WRITING, drain_seconds / 4)  # for answers
        self.until = math.inf  # they are waited for; then what has been answered is written

    def set(self) -> None:
        if not self.is_set():
            self.until = monotonic() + self.seconds
        super().set()
