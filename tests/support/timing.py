"""How long something took, without the time in which the machine let nobody run: that is no doing of the product's."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK_SECONDS = 0.02


class Timing:
    """`seconds` is what has passed so far, but for what a thread that only looks at the clock was late by."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lost = 0.0
        self._seen = self._began
        self._ended = threading.Event()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began - self._lost - max(0.0, time.monotonic() - self._seen - TICK_SECONDS)

    def tick(self) -> None:
        """Look at the clock until the end; a thread, as what blocks an event loop is the product's doing."""
        while not self._ended.wait(TICK_SECONDS):
            now = time.monotonic()
            self._lost += max(0.0, now - self._seen - TICK_SECONDS)
            self._seen = now

    def end(self) -> None:
        self._ended.set()


@contextmanager
def timed() -> Iterator[Timing]:
    """Measure the block."""
    timing = Timing()
    looking = threading.Thread(target=timing.tick, daemon=True)
    looking.start()
    try:
        yield timing
    finally:
        timing.end()
        looking.join()
