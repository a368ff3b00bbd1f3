"""From what was read to what a source tells."""

import re
from typing import Final

from backfill.monitor.logs.happenings import Happening
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.opened import Opened
from backfill.monitor.logs.saying import COUNT
from backfill.monitor.logs.tally import Tally, Way
from backfill.monitor.logs.ways import PERCENT, SHARE, Series
from backfill.monitor.readings import Happened, Line, Measure, Point, Reading, Worker

TRAIL: Final = 50  # lines that a crash writes behind its first
TRAIL_SECONDS: Final = 60.0
SCALE: Final = 1_000_000
_PASSWORD: Final = re.compile(r"(://[^:/@\s]{0,200}):[^\s@]{1,200}@")


def tell(reading: Reading, kept: Kept, file: Opened, ended: Tally) -> None:
    """Fill the reading; what was kept is used up by it."""
    ranges = kept.ranges
    size, seen = file.size, ranges.seen
    reading.seen = f"{seen / SCALE:,.1f} MB of {(size - ranges.begin) / SCALE:,.1f} MB"
    reading.is_whole = ranges.back is None and ranges.front_end + 1024 * 1024 >= size
    is_numbered = ranges.back is None and ranges.begin == 0 and not kept.before.lines
    tally = kept.before.then(ranges.front)
    if ranges.back is not None:
        tally = tally.then(ranges.back)
    told(reading, tally.then(ended), file.path, is_numbered)
    if reading.newest_at is None and size:
        reading.newest_at = file.written_at


def told(reading: Reading, tally: Tally, path: str, is_numbered: bool) -> None:
    """What the tally says, in the terms of all sources."""
    for name, happening in tally.happened.items():
        if name != "finished" or tally.last_finished > tally.last_progress:
            reading.happened[name] = _happened(happening, path if not is_numbered else f"{path}:", is_numbered)
    shares = [way.series[SHARE].last for way in tally.ways.values() if SHARE in way.series]
    scale = 100.0 if shares and max(shares) <= 1 else 1.0
    for worker, way in tally.ways.items():
        reading.workers.append(_worker(worker, way, reading.source, scale))
    counts = [way.series[COUNT] for way in tally.ways.values() if COUNT in way.series]
    if counts:
        reading.measures[Measure.ROWS] = int(sum(one.carried + one.last for one in counts))
    reading.newest_at = tally.last_at
    fatal = tally.happened.get("fatal")
    is_last = tally.last_fatal > tally.last_progress and tally.lines - tally.last_fatal <= TRAIL
    if fatal is not None and fatal.last_at is not None and tally.last_at is not None:
        is_last = is_last and tally.last_at - fatal.last_at <= TRAIL_SECONDS
    reading.last_fatal_is_newest = tally.last_fatal >= 0 and is_last


def _happened(happening: Happening, place: str, is_numbered: bool) -> Happened:
    return Happened(
        happening.total,
        dict(sorted(happening.minutes.items())),
        [
            Line(f"{place}{one.number + 1}" if is_numbered else place, _PASSWORD.sub(r"\1:***@", one.text), one.at)
            for one in happening.examples
        ],
        happening.last_at,
    )


def _worker(name: str, way: Way, source: str, scale: float) -> Worker:
    worker = Worker(name, source, last_at=way.heard_at, is_finished=way.is_finished)
    percent = way.series.get(PERCENT) or way.series.get(SHARE)
    factor = scale if PERCENT not in way.series else 1.0
    unit = max(
        (unit for unit in way.series if unit not in (PERCENT, SHARE)),
        key=lambda one: way.series[one].seen,
        default=None,
    )
    if percent is not None:
        worker.percent = percent.last * factor
        worker.is_finished = worker.is_finished or worker.percent >= 100
    if unit is not None:
        worker.position, worker.unit = int(way.series[unit].last), unit
    series = percent or (way.series[unit] if unit is not None else None)
    if series is not None:
        worker.points = _points(series, factor)
        worker.restarts, worker.backwards = series.restarts, series.backwards
    return worker


def _points(series: Series, factor: float) -> list[Point]:
    points = dict(series.points.values())
    ends = ((series.first_at, series.first), (series.grown_at, series.last), (series.last_at, series.last))
    points |= {at: value for at, value in ends if at is not None}
    return [Point(at, value * factor) for at, value in sorted(points.items())]
