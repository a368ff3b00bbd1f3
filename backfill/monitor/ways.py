"""The way of each worker: how fast it goes, when it moved last, how long it has to go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from backfill.monitor.amounts import MOST, foreign, numeric, order, plain, share
from backfill.monitor.progress import workers
from backfill.monitor.rates import Rate, slope
from backfill.monitor.readings import Point, Reading, Worker

STANDS: Final = 300.0  # seconds without a move while others move
LATE: Final = 10.0  # times the longest that it took before


@dataclass(frozen=True, slots=True)
class Way:
    """A worker with its rate, of percent or of its own unit a minute; `name` is unique among all workers."""

    worker: Worker
    name: str
    unit: str  # percent, or of its position
    rate: Rate | None
    moved_at: float | None
    age: float  # seconds since it told how far it is
    told_every: float | None  # seconds that usually lie between two times
    is_standing: bool = False  # it does not move while others do

    @property
    def percent(self) -> float | None:
        if self.worker.is_finished:
            return 100.0
        number = numeric(self.worker.percent)
        return None if number is None else min(number, 100.0)

    @property
    def position(self) -> float:
        return numeric(self.worker.position) or 0.0

    @property
    def seconds_left(self) -> tuple[float, float, float] | None:
        """As it goes, at best, at worst, below 0 where it is overdue; None where it stands still or is not known."""
        if self.percent is None or self.rate is None or self.worker.is_finished or self.is_standing:
            return None
        return since(self.rate.left(100.0 - self.percent), self.age)

    @property
    def place(self) -> str:
        """Where it stands: worker 9: 61.2 %."""
        where = share(self.percent) if self.percent is not None else f"{self.unit} {self.position:,.0f}".strip()
        return f"worker {self.name}: {where}"

    @property
    def text(self) -> str:
        """The same, with how fast it goes: worker 9: 61.2 %, 0.4 % a minute."""
        if self.is_standing:
            return f"{self.place}, stands still"
        if self.rate is None:
            return self.place
        unit = "%" if self.unit == "percent" else f"{self.unit}s".lstrip()
        return f"{self.place}, {plain(max(self.rate.a_minute, 0.0))} {unit} a minute"


def since(left: tuple[float, float, float] | None, age: float) -> tuple[float, float, float] | None:
    """What is left of it after so many seconds."""
    return None if left is None else (left[0] - age, left[1] - age, left[2] - age)


def ways(readings: Sequence[Reading], stuck_after: float, now: float) -> list[Way]:
    """Of every worker that tells how far it is, 2 before 10."""
    some = workers(readings)
    several = len({one.source for one in some}) > 1
    seen: dict[str, int] = {}
    for one in some:
        seen[one.name] = seen.get(one.name, 0) + 1
    found = [_way(one, several and seen[one.name] > 1, now) for one in some]
    newest = max((one.moved_at for one in found if one.moved_at is not None), default=0.0)
    found = [replace(one, is_standing=True) if _is_standing(one, newest, stuck_after) else one for one in found]
    return sorted(found, key=lambda one: order(one.name))


def _way(worker: Worker, is_shared: bool, now: float) -> Way:
    name = foreign(worker.name)
    points = sound(worker.points)
    return Way(
        worker=worker,
        name=f"{name} of {foreign(worker.source)}" if is_shared else name,
        unit="percent" if numeric(worker.percent) is not None else foreign(worker.unit),
        rate=slope(points, "as the worker tells"),
        moved_at=_moved_at(points, worker),
        age=max(now - points[-1].at, 0.0) if points else 0.0,
        told_every=median([after.at - before.at for before, after in pairwise(points)]) if len(points) > 2 else None,
    )


def _is_standing(way: Way, newest: float, stuck_after: float) -> bool:
    if way.worker.is_finished or way.moved_at is None:
        return False
    quiet = newest - way.moved_at
    return quiet >= stuck_after or (quiet > STANDS and (not way.rate or way.rate.a_minute <= 0 or _is_late(way, quiet)))


def _is_late(way: Way, quiet: float) -> bool:
    """Whether it should have told of a move long ago."""
    gaps = [after.at - before.at for before, after in pairwise(way.worker.points)]
    return quiet > LATE * max(gaps, default=0.0)


def sound(points: Sequence[Point]) -> list[Point]:
    """Those that are numbers, by time."""
    known = (one for one in points if 0 <= one.at < MOST and 0 <= one.value < MOST)
    return sorted(known, key=lambda one: one.at)


def came_at(points: Sequence[Point]) -> float:
    """When it came to where it is; of at least one point."""
    at = points[-1].at
    for point in reversed(points):
        if point.value != points[-1].value:
            break
        at = point.at
    return at


def _moved_at(points: Sequence[Point], worker: Worker) -> float | None:
    return came_at(points) if points else numeric(worker.last_at)
