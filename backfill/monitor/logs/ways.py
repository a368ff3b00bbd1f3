"""How far workers came, as a log tells it; the way of two neighbouring stretches is one way."""

from dataclasses import dataclass, field
from typing import Final

from backfill.monitor.readings import MOST_POINTS

PERCENT: Final = "%"
SHARE: Final = "~"  # of JSON's progress, which is percent or a part of one: known when all are there
MOST_KEPT: Final = MOST_POINTS - 3  # beside the first, the last, and where it came to that
BACK: Final = 120.0  # seconds that the time may fall between lines: several processes write one log
FEWEST_POINTS: Final = 4
NEARLY_NOTHING: Final = 0.05  # of what it was
MOST_UNITS: Final = 4

At = float | None


@dataclass(slots=True)
class Series:
    """One number of one worker, in the order of the lines."""

    first: float
    last: float
    last_at: At
    grown_at: At  # of the first line that said what the last one says
    last_cell: int  # of the file: one point of each is kept
    is_flat: bool = True  # it never changed
    carried: float = 0.0  # what was reached before it began again, each time
    restarts: int = 0
    backwards: int = 0
    seen: int = 1
    most: int = MOST_KEPT
    width: int = 1  # seconds that share a point
    points: dict[int, tuple[float, float]] = field(default_factory=dict)
    oldest: tuple[float, float] | None = None  # of the points that were kept, since the clock was set back
    latest_at: At = None  # of the one that was kept last
    is_set_back: bool = False

    def add(self, at: At, value: float, cell: int) -> None:
        """One more line."""
        self.seen += 1
        if value != self.last:
            if value < self.last:
                self.fall(self.last, value)
            self.is_flat = False
            self.grown_at = at
        self.last, self.last_at = value, at if at is not None else self.last_at
        if cell != self.last_cell:
            self.last_cell = cell
            self.keep(at, value)

    def keep(self, at: At, value: float) -> None:
        """Keep a point, while there are not too many; of those that share one the latest.

        Where the clock was set back those before are forgotten: they are of another time.
        """
        if at is None:
            return
        if self._is_back(at):
            self.points, self.oldest, self.is_set_back = {}, None, True
        self.latest_at = at
        self.oldest = self.oldest or (at, value)
        self._put(at, value)

    def _is_back(self, at: float) -> bool:
        return self.latest_at is not None and at < self.latest_at - BACK

    def _put(self, at: float, value: float) -> None:
        bucket = int(at // self.width)
        held = self.points.get(bucket)
        if held is None or held[0] <= at:
            self.points[bucket] = at, value
        self.thin(self.most)

    def thin(self, most: int) -> None:
        """Let more seconds share a point, until there are at most so many."""
        self.most = most
        while len(self.points) > most:
            self._widen(self.width * 2)

    def then(self, other: "Series") -> None:
        """What comes behind it in the file."""
        if other.first < self.last:
            self.fall(self.last, other.first)
        if self.last != other.first or not other.is_flat:
            self.is_flat = False
            self.grown_at = other.grown_at
        self.restarts += other.restarts
        self.backwards += other.backwards
        self.carried += other.carried
        self.seen += other.seen
        self.last, self.last_at = other.last, other.last_at if other.last_at is not None else self.last_at
        self.last_cell = other.last_cell
        if other.is_set_back or (other.oldest is not None and self._is_back(other.oldest[0])):
            self.points, self.oldest, self.is_set_back = {}, None, True
        self.oldest = self.oldest or other.oldest
        self.latest_at = other.latest_at if other.latest_at is not None else self.latest_at
        self._widen(max(self.width, other.width))
        for at, value in other.points.values():
            self._put(at, value)

    def older(self, seconds: float) -> None:
        """All of it was so much before."""
        self.last_at, self.grown_at, self.latest_at = (
            at - seconds if at is not None else None for at in (self.last_at, self.grown_at, self.latest_at)
        )
        if self.oldest is not None:
            self.oldest = self.oldest[0] - seconds, self.oldest[1]
        points, self.points = self.points, {}
        for at, value in points.values():
            self._put(at - seconds, value)

    def fall(self, before: float, after: float) -> None:
        """It is less than it was: begun again when it is nearly nothing."""
        self.carried += before
        if is_anew(before, after):
            self.restarts += 1
        else:
            self.backwards += 1

    def _widen(self, width: int) -> None:
        if width == self.width:
            return
        points, self.points, self.width = self.points, {}, width
        for at, value in points.values():
            bucket = int(at // width)
            held = self.points.get(bucket)
            if held is None or held[0] <= at:
                self.points[bucket] = at, value


def is_anew(before: float, after: float) -> bool:
    """Whether what fell has begun again."""
    return after <= before * NEARLY_NOTHING


def begun(at: At, value: float, cell: int, most: int = MOST_KEPT) -> Series:
    """Of the first line that told the number."""
    series = Series(value, value, at, at, cell, most=most)
    series.keep(at, value)
    return series


@dataclass(slots=True)
class Way:
    """One worker."""

    series: dict[str, Series] = field(default_factory=dict)  # by unit
    heard_at: At = None
    is_finished: bool = False
    most: int = MOST_KEPT

    def add(self, unit: str, at: At, value: float, cell: int) -> None:
        """A number that it told."""
        series = self.series.get(unit)
        if series is not None:
            series.add(at, value, cell)
        elif len(self.series) < MOST_UNITS:
            self.series[unit] = begun(at, value, cell, self.most)

    def then(self, other: "Way") -> None:
        """What comes behind it."""
        for unit, series in other.series.items():
            if unit in self.series:
                self.series[unit].then(series)
            elif len(self.series) < MOST_UNITS:
                self.series[unit] = series
        self.thin(min(self.most, other.most))
        self.heard_at = other.heard_at if other.heard_at is not None else self.heard_at
        self.is_finished = other.is_finished

    def thin(self, most: int) -> None:
        """Keep at most so many points of each number."""
        self.most = most
        for series in self.series.values():
            series.thin(most)
