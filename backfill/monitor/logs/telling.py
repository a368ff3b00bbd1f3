"""From what a file adds up to, to what a source tells."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

from backfill.monitor.logs.ending import is_end
from backfill.monitor.logs.happenings import Happening
from backfill.monitor.logs.minutes import by_minute
from backfill.monitor.logs.saying import COUNT
from backfill.monitor.logs.tally import Jump, Tally
from backfill.monitor.logs.ways import BACK, PERCENT, SHARE, Series, Way
from backfill.monitor.readings import MOST_WORKERS, PROGRESS, Happened, Line, Measure, Point, Reading, Worker
from backfill.texts import counted, duration, one_line

TRAIL: Final = 50  # lines that a crash writes behind its first
TRAIL_SECONDS: Final = 60.0
AHEAD: Final = 120.0  # seconds that the newest line may be ahead of this machine's clock
HOUR: Final = 3_600.0
MEASURES: Final = {
    "row": (Measure.ROWS, Measure.ROWS_TOTAL),
    "record": (Measure.ROWS, Measure.ROWS_TOTAL),
    "file": (Measure.FILES, Measure.FILES_TOTAL),
    "call": (Measure.CALLS, Measure.CALLS_TOTAL),
    "request": (Measure.CALLS, Measure.CALLS_TOTAL),
}
_PASSWORD: Final = re.compile(r"(://[^:/@\s]{0,200}):[^\s@]{1,200}@")


def told(reading: Reading, tally: Tally, path: str, is_numbered: bool, zone: tzinfo | None) -> None:
    """Fill a reading with what the tally says of the file of that path."""
    for name, happening in tally.happened.items():
        if name != "finished" or is_end(tally):
            reading.happened[name] = _happened(happening, path, is_numbered)
        elif tally.last_finished >= tally.last_progress:
            line = one_line(_PASSWORD.sub(r"\1:***@", happening.examples[-1].text), 100)
            reading.notes.append(f"it went on behind the line that says that it has finished: {line}")
    shares = [way.series[SHARE].last for way in tally.ways.values() if SHARE in way.series]
    scale = 100.0 if shares and max(shares) <= 1 else 1.0
    for worker, way in tally.ways.items():
        reading.workers.append(_worker(worker, way, reading.source, scale))
    _amounts(reading, tally)
    reading.newest_at = tally.last_at
    reading.last_fatal_is_newest = _is_fatal_newest(tally)
    _strange(reading, tally, zone)


def _amounts(reading: Reading, tally: Tally) -> None:
    """How much is done of the whole, as lines of the whole say it; else what our own workers' lines add up to."""
    counts = [way.series[COUNT] for way in tally.ways.values() if COUNT in way.series]
    if counts and not tally.amounts:
        reading.measures[Measure.ROWS] = int(sum(one.carried + one.last for one in counts))
        reading.minutes = by_minute([_points(one, 1.0) for one in counts])
    for measure in reversed(PROGRESS):  # so that points are of what a report takes first
        for what, amount in tally.amounts.items():
            if MEASURES[what] == measure:
                done, of = measure
                reading.measures |= {done: int(amount.last), of: int(tally.totals[what])}
                reading.points = _points(amount, 1.0)
                reading.minutes = by_minute([reading.points])


def _is_fatal_newest(tally: Tally) -> bool:
    if tally.last_fatal < 0 or tally.last_fatal < tally.last_progress or tally.lines - tally.last_fatal > TRAIL:
        return False
    fatal = tally.happened["fatal"].last_at
    return fatal is None or tally.last_at is None or tally.last_at - fatal <= TRAIL_SECONDS


def _strange(reading: Reading, tally: Tally, zone: tzinfo | None) -> None:
    """What is worth saying of the lines themselves."""
    for jump in tally.back:
        if _is_put_back(jump, zone):
            reading.notes.append(f"the clocks were put back at {_clock(jump.before, zone)}, as every year")
        else:
            back = duration(jump.before - jump.after)
            reading.clock_jumps.append(
                f"the time falls back by {back}, from {_clock(jump.before, zone)} to {_clock(jump.after, zone)}"
            )
    if tally.jumps_back > len(tally.back):
        reading.notes.append(f"the time falls back {counted(tally.jumps_back, 'time')} in all")
    if tally.newest_at is not None and tally.newest_at > reading.at + AHEAD:
        ahead = duration(tally.newest_at - reading.at)
        reading.clock_jumps.append(f"a line is {ahead} ahead of this machine's clock: {_clock(tally.newest_at, zone)}")
    if tally.silences:
        longest = max(tally.silences, key=lambda one: one.after - one.before)
        silent = duration(longest.after - longest.before)
        reading.notes.append(
            f"nothing was written for {silent}, from {_clock(longest.before, zone)} to {_clock(longest.after, zone)}"
        )
    if tally.cut:
        reading.notes.append(f"{counted(tally.cut, 'line')} longer than 1 MiB; the rest of each was left out")
    if tally.dropped_workers:
        reading.notes.append(f"there are more than {MOST_WORKERS:,} workers; the first ones are shown")
    if tally.lines and tally.newest_at is None:
        reading.notes.append("its lines have no times; when the file was written stands for them")


def _is_put_back(jump: Jump, zone: tzinfo | None) -> bool:
    """Whether the clocks of that zone were put back there, so that an hour came twice."""
    at = datetime.fromtimestamp(jump.after, UTC).astimezone(zone).replace(tzinfo=zone)
    later = at.replace(fold=1).timestamp() - at.replace(fold=0).timestamp()
    return later > 0 and abs(jump.before - jump.after - later) < HOUR / 2


def _clock(at: float, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).isoformat(" ", "seconds")


def _happened(happening: Happening, path: str, is_numbered: bool) -> Happened:
    lines = [
        Line(f"{path}:{one.number + 1}" if is_numbered else path, _PASSWORD.sub(r"\1:***@", one.text), one.at)
        for one in happening.examples
    ]
    return Happened(happening.total, dict(sorted(happening.minutes.items())), lines, happening.last_at)


def _worker(name: str, way: Way, source: str, scale: float) -> Worker:
    worker = Worker(name, source, last_at=way.heard_at, is_finished=way.is_finished)
    percent = way.series.get(PERCENT) or way.series.get(SHARE)
    factor = scale if PERCENT not in way.series else 1.0
    places = {unit: series for unit, series in way.series.items() if unit not in (PERCENT, SHARE)}
    unit = max(places, key=lambda one: places[one].seen, default=None)
    if percent is not None:
        worker.percent = percent.last * factor
        worker.is_finished = worker.is_finished or worker.percent >= 100
    if unit is not None:
        worker.position, worker.unit = int(places[unit].last), unit.removeprefix("#")
    series = percent or (places[unit] if unit is not None else None)
    if series is not None:
        worker.points = _points(series, factor)
        worker.restarts, worker.backwards = series.restarts, series.backwards
    return worker


def _points(series: Series, factor: float) -> list[Point]:
    """By time, and so in the order of the file: none is of before the clock was set back."""
    points = dict(series.points.values())
    if series.oldest is not None:
        points.setdefault(*series.oldest)
    if series.last_at is not None:
        if series.latest_at is not None and series.last_at < series.latest_at - BACK:
            points = {}
        if series.grown_at is not None and series.grown_at <= series.last_at:
            points[series.grown_at] = series.last
        points = {at: value for at, value in points.items() if at <= series.last_at}
        points[series.last_at] = series.last
    return [Point(at, value * factor) for at, value in sorted(points.items())]
