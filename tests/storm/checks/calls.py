"""What the service must have seen."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from tests.storm.facts import Facts
from tests.storm.storm import Storm

WINDOW_SECONDS: Final = 2.0
LATE_SECONDS: Final = 0.5  # a call comes after its turn, on a busy machine


def calls_are_within_the_limit(storm: Storm, facts: Facts) -> Iterator[str]:
    rate = storm.schedule.work.rate
    if rate is None:
        return
    most = rate * (WINDOW_SECONDS + LATE_SECONDS) + 1
    for number, at in enumerate(facts.calls):
        came = bisect_left(facts.calls, at + WINDOW_SECONDS) - number
        if came > most:
            yield f"{came} calls within {WINDOW_SECONDS:g} s of {at:.3f}: {rate:g} a second are allowed"
            return


def the_ledger_counts_no_call_twice(storm: Storm, facts: Facts) -> Iterator[str]:
    """Those of a worker that was killed nobody counts."""
    counted = sum(job["calls_made"] for job in facts.jobs)
    if counted > len(facts.calls) and not storm.deleted:
        yield f"the ledger counts {counted} calls, the service {len(facts.calls)}"
