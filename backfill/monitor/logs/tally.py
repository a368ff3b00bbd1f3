"""What a stretch of a log adds up to; two neighbouring stretches are joined in the order in which they stand there."""

from dataclasses import dataclass, field
from typing import Final

from backfill.monitor.logs.happenings import Example, Happening
from backfill.monitor.logs.ways import BACK, FEWEST_POINTS, MOST_KEPT, At, Series, Way, begun
from backfill.monitor.readings import MOST_EXAMPLES, MOST_WORKERS

DAY: Final = 86_400.0
MOST_OF_THE_END: Final = 2_048  # bytes
SILENCE: Final = 1_800.0  # seconds without a line that are worth saying
MANY: Final = ((2_048, FEWEST_POINTS), (256, 16))  # more workers than that have fewer points each


@dataclass(frozen=True, slots=True)
class Jump:
    """Where the time of one line is far from that of the line before; lines by number from the stretch's beginning."""

    number: int
    before: float
    after: float


@dataclass(slots=True)
class Tally:
    """What was read, without the lines; its size is bounded, however much that was."""

    lines: int = 0
    cut: int = 0  # lines whose rest was skipped
    dropped_workers: bool = False
    ways: dict[str, Way] = field(default_factory=dict)
    amounts: dict[str, Series] = field(default_factory=dict)  # of the whole, by what is counted
    totals: dict[str, float] = field(default_factory=dict)
    happened: dict[str, Happening] = field(default_factory=dict)
    first_at: At = None  # of the lines whose time was looked at
    first_timed: int = -1  # its number
    is_first_dateless: bool = False
    days: int = 0  # that were begun behind it, by lines that say no date
    last_at: At = None
    newest_at: At = None  # the largest of them
    back: list[Jump] = field(default_factory=list)
    jumps_back: int = 0
    silences: list[Jump] = field(default_factory=list)
    last_progress: int = -1  # numbers of lines
    last_fatal: int = -1
    last_finished: int = -1
    points_each: int = MOST_KEPT
    ends_with: str = ""  # the last bytes of it, as Latin-1

    def ends(self, data: bytes) -> None:
        """What stands at its end now."""
        last = data[-MOST_OF_THE_END:]
        # NULs are of no line.
        text = data.replace(b"\0", b"")[-MOST_OF_THE_END:] if b"\0" in last else last
        self.ends_with = (self.ends_with + text.decode("latin-1"))[-MOST_OF_THE_END:]

    def timed(self, number: int, at: float, is_dateless: bool = False) -> None:
        """A line whose time was looked at."""
        if is_dateless and self.last_at is not None and self.last_at - at > DAY / 2:
            self.older(1)
        if self.first_at is None:
            self.first_at, self.first_timed, self.is_first_dateless = at, number, is_dateless
        elif self.last_at is not None:
            self._jump(number, self.last_at, at)
        self.last_at = at
        self.newest_at = at if self.newest_at is None else max(self.newest_at, at)

    def older(self, days: int) -> None:
        """All of it was so many days before what was taken for its day."""
        if not days:
            return
        self.days += days
        back = days * DAY
        self.first_at, self.last_at, self.newest_at = (
            at - back if at is not None else None for at in (self.first_at, self.last_at, self.newest_at)
        )
        for jumps in (self.back, self.silences):
            jumps[:] = [Jump(jump.number, jump.before - back, jump.after - back) for jump in jumps]
        for happening in self.happened.values():
            happening.older(days)
        for series in [*self.amounts.values(), *(one for way in self.ways.values() for one in way.series.values())]:
            series.older(back)
        for way in self.ways.values():
            way.heard_at = way.heard_at - back if way.heard_at is not None else None

    def dated(self, at: float) -> None:
        """Where no line has a time: what workers told last they had told by then."""
        if self.newest_at is None:
            for way in self.ways.values():
                for series in way.series.values():
                    series.keep(at, series.last)

    def comes_to(self, what: str, count: float, total: float, at: At, place: int) -> None:
        """So much of the whole is done, of so much."""
        self.totals[what] = total
        if what in self.amounts:
            self.amounts[what].add(at, count, place)
        else:
            self.amounts[what] = begun(at, count, place)

    def happens(self, name: str, example: Example) -> None:
        """A line that a pattern is in."""
        self.happened.setdefault(name, Happening()).add(example)

    def way(self, worker: str) -> Way | None:
        """Of that worker; None when there are too many."""
        way = self.ways.get(worker)
        if way is None:
            if len(self.ways) >= MOST_WORKERS:
                self.dropped_workers = True
                return None
            way = self.ways[worker] = Way(most=self._most_points)
            self._thin()
        return way

    def then(self, other: "Tally") -> "Tally":
        """This and what comes behind it, as one; neither is to be used any more."""
        lines = self.lines
        self.older(other.days)
        if other.is_first_dateless and other.first_at is not None and self.last_at is not None:
            self.older(int(self.last_at - other.first_at > DAY / 2))
        if other.first_at is not None and self.last_at is not None:
            self._jump(lines + other.first_timed, self.last_at, other.first_at)
        for jump in other.back:
            self._back(Jump(jump.number + lines, jump.before, jump.after), 0)
        self.jumps_back += other.jumps_back
        for jump in other.silences:
            self._silent(Jump(jump.number + lines, jump.before, jump.after))
        for name, happening in other.happened.items():
            self.happened.setdefault(name, Happening()).then(happening, lines)
        self.totals |= other.totals
        for what, amount in other.amounts.items():
            if what in self.amounts:
                self.amounts[what].then(amount)
            else:
                self.amounts[what] = amount
        for worker, way in other.ways.items():
            if (mine := self.way(worker)) is not None:
                mine.then(way)
        for name in ("last_progress", "last_fatal", "last_finished"):
            if (number := getattr(other, name)) >= 0:
                setattr(self, name, number + lines)
        self.ends_with = (self.ends_with + other.ends_with)[-MOST_OF_THE_END:]
        self.lines += other.lines
        self.cut += other.cut
        self.dropped_workers |= other.dropped_workers
        if self.first_at is None and other.first_at is not None:
            self.first_at, self.first_timed = other.first_at, lines + other.first_timed
            self.is_first_dateless = other.is_first_dateless
        self.last_at = other.last_at if other.last_at is not None else self.last_at
        newest = [at for at in (self.newest_at, other.newest_at) if at is not None]
        self.newest_at = max(newest, default=None)
        return self

    def _jump(self, number: int, before: float, after: float) -> None:
        if after < before - BACK:
            self._back(Jump(number, before, after), 1)
        elif after > before + SILENCE:
            self._silent(Jump(number, before, after))

    def _back(self, jump: Jump, count: int) -> None:
        self.jumps_back += count
        self.back.append(jump)
        if len(self.back) > MOST_EXAMPLES:
            del self.back[1]

    def _silent(self, jump: Jump) -> None:
        self.silences.append(jump)
        if len(self.silences) > MOST_EXAMPLES:
            del self.silences[1]

    @property
    def _most_points(self) -> int:
        return next((points for many, points in MANY if len(self.ways) > many), MOST_KEPT)

    def keep_few(self, most: int) -> None:
        """Keep at most so many points of each worker."""
        for way in self.ways.values():
            way.thin(min(way.most, most))

    def _thin(self) -> None:
        """Keep fewer points of each worker where there are many of them."""
        most = self._most_points
        if self.points_each != most:
            self.points_each = most
            for way in self.ways.values():
                way.thin(most)
