"""What is being computed now: written by the computation, read by the keeper's thread."""

from time import monotonic
from typing import Any


class RecordTimeoutError(Exception):
    """Computing one record took longer than one record may."""


class Watch:
    """Which record of a partition is being computed, and since when.

    Plain attributes: two calls a record must cost next to nothing. Only one record of all partitions is ever being
    computed in the main thread: a plain function does not await, and of an async one each step is watched by itself,
    not the time for which it waits. In other threads there may be one of each partition.
    """

    __slots__ = ("is_in_thread", "place", "record", "since")

    def __init__(self, place: str = "") -> None:
        self.place = place
        self.since = 0.0
        self.record: Any = None
        self.is_in_thread = False  # besides the main one, where no signal reaches it

    def begin(self, record: Any) -> None:
        """The record is computed from now on; the time first, so that nobody sees it with an older one."""
        self.since = monotonic()
        self.record = record

    def end(self) -> None:
        """Nothing is computed any more; never interrupted, so it belongs into a `finally`."""
        self.record = None
