"""What was done by minute, from points of what rises."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from backfill.monitor.logs.happenings import MINUTE
from backfill.monitor.readings import MOST_MINUTES, Point


def by_minute(series: Iterable[Sequence[Point]]) -> dict[int, int]:
    """Units by minute since the epoch, the newest; what lies between two points is spread evenly over their time."""
    done: dict[int, float] = {}
    for points in series:
        for before, after in pairwise(points):
            if after.value > before.value:
                _spread(before, after, done)
    return {minute: round(done[minute]) for minute in sorted(done)[-MOST_MINUTES:]}


def _spread(before: Point, after: Point, done: dict[int, float]) -> None:
    first, last = int(before.at // MINUTE), int(after.at // MINUTE)
    if first == last:
        done[last] = done.get(last, 0.0) + after.value - before.value
        return
    a_second = (after.value - before.value) / (after.at - before.at)
    for minute in range(max(first, last - MOST_MINUTES), last + 1):
        seconds = min(after.at, (minute + 1) * MINUTE) - max(before.at, minute * MINUTE)
        done[minute] = done.get(minute, 0.0) + a_second * seconds
