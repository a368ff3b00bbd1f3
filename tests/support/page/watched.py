"""A backfill that is worth watching: slow enough to be seen, and with records that fail."""

from collections.abc import Mapping
from typing import Any

from backfill import Skip
from tests.support.definitions import Slow


class Watched(Slow):
    """A record's `base` is how many milliseconds it takes; a negative one cannot be computed."""

    name = "watched"
    # What waits leaves the loop free: who steers the job does not wait with it for a row that the loop has locked.
    compute_in = "threads"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] < 0:
            raise ValueError(f"record {record['id']} cannot be computed")
        return super().compute(record)
