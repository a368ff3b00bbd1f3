"""What is being computed now: written by the computation, read by the keeper's thread."""

from time import monotonic
from typing import Any


class RecordTimeoutError(Exception):
    """Computing one record took longer than one record may."""


class Watch:
    """Which record of a partition is being computed, and since when.

    Plain attributes: two calls a record must cost next to nothing. Only one record of all partitions is ever being
    computed, because `compute` does not await.
    """

    __slots__ = ("place", "record", "since")

    def __init__(self, place: str = "") -> None:
        self.place = place
        self.since = 0.0
        self.record: Any = None

    def begin(self, record: Any) -> None:
        """The record is computed from now on; the time first, so that nobody sees it with an older one."""
        self.since = monotonic()
        self.record = record

    def end(self) -> None:
        """Nothing is computed any more; never interrupted, so it belongs into a `finally`."""
        self.record = None
