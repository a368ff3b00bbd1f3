"""How fast something goes: from points in time, from counts by minute, from looks; and how much that varies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import median
from typing import Final

from backfill.monitor.readings import Point

RECENT_SECONDS: Final = 900.0  # of older points a rate is made only where there are no others
FEWEST: Final = 3
MOST_COMPARED: Final = 12  # points of one worker: each is held against each
PARTS: Final = 4  # that a stretch is cut into, to see how its rate varies
LEAST_SECONDS: Final = 0.5  # between two points that make a rate
MINUTES: Final = 10  # whole ones that are compared
GAP: Final = 10.0  # times the usual one is a jump of the clock, or a stop: what was before does not count
LONG_ENOUGH: Final = 60.0  # seconds, to know how a rate varies
LEAST_SHARE: Final = 0.25  # of a rate, which is the slowest that a range of times left is made of


@dataclass(frozen=True, slots=True)
class Rate:
    """Units a minute, with the least and the most of it that was seen, over so many seconds, and from what."""

    a_minute: float
    least: float
    most: float
    seconds: float
    way: str

    def left(self, units: float) -> tuple[float, float, float] | None:
        """Seconds that so many units take: as it goes, at best, at worst; None where nothing moves."""
        if self.a_minute <= 0:
            return None
        is_short = self.seconds < LONG_ENOUGH  # of which nobody can say how it varies
        least, most = (0.0, self.a_minute / LEAST_SHARE) if is_short else (self.least, self.most)
        slowest = max(min(least, self.a_minute), self.a_minute * LEAST_SHARE)
        fastest = min(max(most, self.a_minute), self.a_minute / LEAST_SHARE)
        return 60 * units / self.a_minute, 60 * units / fastest, 60 * units / slowest


def stretch(points: Sequence[Point]) -> list[Point]:
    """The last points between which nothing fell, no clock jumped and nothing stopped."""
    usual = median([after.at - before.at for before, after in pairwise(points)] or [0.0])
    longest = max(GAP * usual, RECENT_SECONDS)
    found: list[Point] = []
    for point in points:
        if found and not (found[-1].value <= point.value and 0 <= point.at - found[-1].at <= longest):
            found = []
        found.append(point)
    recent = [point for point in found if point.at >= found[-1].at - RECENT_SECONDS]
    return recent if len(recent) >= FEWEST else found[-FEWEST:]


def slope(points: Sequence[Point], way: str) -> Rate | None:
    """The rate of what rises; None where there are no two points in time.

    The median of all pairs' slopes: a few points that are wrong do not move it.
    """
    some = _some(stretch(points), MOST_COMPARED)
    slopes = _slopes(combinations(some, 2))
    if not slopes:
        return None
    return _rate(median(slopes), some, way)


def rise(points: Sequence[Point], way: str) -> Rate | None:
    """The rate from the first to the last of them: of what is exact, however unevenly it rises."""
    some = stretch(points)
    whole = _slopes([(some[0], some[-1])]) if some else []
    return _rate(whole[0], some, way) if whole else None


def by_minute(minutes: Mapping[int, int], now: float, way: str) -> Rate | None:
    """The rate of the last whole minutes; None where there is none of them."""
    current = int(now // 60)
    known = [minute for minute in minutes if current - MINUTES <= minute < current and minutes[minute] > 0]
    if not known:
        return None
    first = max(min(minutes), current - MINUTES)  # empty ones count once it has begun
    # The minute in which it began is none that is whole.
    first = first + 1 if first == min(minutes) else first
    if first >= current:
        return None
    counts = [float(minutes.get(minute, 0)) for minute in range(first, current)]
    least, most = _spread(counts)
    return Rate(sum(counts) / len(counts), least, most, 60.0 * len(counts), way)


def times(rate: Rate, factor: float) -> Rate:
    """The same in other units."""
    return replace(rate, a_minute=rate.a_minute * factor, least=rate.least * factor, most=rate.most * factor)


def together(rates: Sequence[Rate], parts: int, way: str) -> Rate | None:
    """The rate of a whole that has so many equal parts, from those of the parts that move."""
    if not rates or parts <= 0:
        return None
    return Rate(
        sum(one.a_minute for one in rates) / parts,
        sum(one.least for one in rates) / parts,
        sum(one.most for one in rates) / parts,
        max(one.seconds for one in rates),
        way,
    )


def _rate(a_minute: float, points: Sequence[Point], way: str) -> Rate:
    # Of few long parts: from one line to the next it varies more than it will on the way that is left.
    parts = _slopes(pairwise(_some(points, PARTS + 1))) or [a_minute]
    return Rate(a_minute, min(a_minute, *parts), max(a_minute, *parts), points[-1].at - points[0].at, way)


def _slopes(pairs: Iterable[tuple[Point, Point]]) -> list[float]:
    return [
        60 * (after.value - before.value) / (after.at - before.at)
        for before, after in pairs
        if after.at - before.at >= LEAST_SECONDS
    ]


def _some(points: Sequence[Point], most: int) -> Sequence[Point]:
    if len(points) <= most:
        return points
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """From the tenth to the ninetieth of a hundred."""
    some = sorted(values)
    last = len(some) - 1
    return some[round(0.1 * last)], some[round(0.9 * last)]
