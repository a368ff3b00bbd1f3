"""How fast it goes and how long it takes: of readings, and of what earlier looks had measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from backfill.monitor import moves, rates
from backfill.monitor.amounts import numeric
from backfill.monitor.left import left, unknown
from backfill.monitor.moves import AHEAD
from backfill.monitor.profile import Profile
from backfill.monitor.progress import Progress, progress, trusted
from backfill.monitor.rates import Rate
from backfill.monitor.readings import PROGRESS, Measure, Point, Reading
from backfill.monitor.report import Eta
from backfill.monitor.ways import Way, came_at, sound, ways

if TYPE_CHECKING:
    from backfill.monitor.memory import Look

SHOWN_MINUTES: Final = 60
UNTIMED: Final = "not known: the times of its log are yet to come; set timezone in the profile"
LONG_ENOUGH: Final = 60.0  # seconds between looks, to be believed rather than a source's own minutes


@dataclass(frozen=True, slots=True)
class Pace:
    """How far and how fast it is; rates are of `progress.unit` a minute, and of the whole's percent a minute."""

    progress: Progress
    rate: Rate | None
    share: Rate | None  # percent points a minute, as the workers tell
    ways: list[Way]  # of each worker that tells how far it is
    moved_at: float | None  # when it is known to have moved last
    fell: tuple[float, float] | None  # what was measured before and is now, where that is less
    is_total_rising: bool  # since the last look
    told_every: float | None  # seconds that usually lie between two lines of a worker
    still_since: float | None  # what is measured has not changed since then, as far as it was looked at
    minutes: dict[int, int]  # units by minute since the epoch, the last 60
    eta: Eta
    measures: dict[Measure, float] = field(default_factory=dict)  # what the next look wants to know of this one

    @property
    def has_rate(self) -> bool:
        """Whether it is known how fast it goes."""
        return self.rate is not None or self.share is not None

    @property
    def is_known(self) -> bool:
        """Whether it can be told that it moves, or that it does not."""
        return self.moved_at is not None or self.still_since is not None


def measured(profile: Profile, readings: Sequence[Reading], looks: "Sequence[Look]", now: float) -> Pace:
    """How fast it goes at `now`, with what earlier looks had measured; raises nothing, whatever they hold."""
    how_far = progress(profile, readings)
    each = ways(readings, profile.stuck_after, now)
    measures = _measures(readings, how_far)
    points = {measure: moves.history(looks, measure, value, now) for measure, value in measures.items()}
    minutes = _minutes(readings, how_far, now)
    measure = how_far.measure or (Measure.PERCENT if Measure.PERCENT in measures else None)
    own = points.get(measure, []) if measure else []
    share = _share(profile, each)
    rate = _rate(how_far, own if how_far.measure else [], minutes, each, now, share)
    if share is None and how_far.measure is None:
        share = _of_looks(own)
        # Workers tell now and then: of seconds between two looks they have no rate.
        share = share if share is not None and share.seconds >= LONG_ENOUGH else None
    told = [one.moved_at for one in each if one.moved_at is not None]
    whole = sound(how_far.reading.points) if how_far.reading is not None else []
    told.extend([came_at(whole)] if whole else [])
    is_ahead = any(at > now + AHEAD for at in told)
    newest = moves.newest(readings, now, profile.stuck_after)
    return Pace(
        progress=how_far,
        rate=rate,
        share=share,
        ways=each,
        moved_at=moves.moved_at(own, [at for at in told if at <= now + AHEAD], minutes, newest, now),
        fell=moves.fell(own) if how_far.measure and not is_estimate(how_far) else None,
        is_total_rising=_is_total_rising(how_far, points),
        told_every=_told_every(each),
        still_since=None if is_estimate(how_far) else moves.still_since(own),
        minutes=minutes,
        eta=unknown(UNTIMED) if is_ahead else left(how_far, rate, share, each, now),
        measures=measures,
    )


def _measures(readings: Sequence[Reading], how_far: Progress) -> dict[Measure, float]:
    found: dict[Measure, float] = {}
    for one in trusted(readings):
        for measure, value in one.measures.items():
            if (number := numeric(value)) is not None:
                found.setdefault(measure, number)
    if how_far.percent is not None:
        found[Measure.PERCENT] = how_far.percent
    if how_far.measure is not None and how_far.done is not None:
        found[how_far.measure] = how_far.done
    return found


def _minutes(readings: Sequence[Reading], how_far: Progress, now: float) -> dict[int, int]:
    current = int(now // 60)
    first = [how_far.reading] if how_far.reading is not None else []
    for one in (*first, *trusted(readings)):
        recent = {at: count for at, count in one.minutes.items() if current - SHOWN_MINUTES < at <= current}
        if recent:
            return {at: max(int(count), 0) for at, count in sorted(recent.items())}
    return {}


def _rate(
    how_far: Progress,
    points: Sequence[Point],
    minutes: Mapping[int, int],
    each: Sequence[Way],
    now: float,
    share: Rate | None,
) -> Rate | None:
    job = how_far.reading.job if how_far.reading is not None else None
    if job is not None and (second := numeric(job.rate_per_second)) is not None:
        ran = max(now - job.started_at, 1.0) if job.started_at is not None else 60.0
        return Rate(60 * second, 60 * second, 60 * second, min(60.0, ran), "as the ledger counts")
    if share is not None and how_far.total and how_far.reading is not None and how_far.reading.kind == "log":
        return rates.times(share, how_far.total / 100)  # of the lines' own times
    if how_far.reading is not None and (told := rates.slope(sound(how_far.reading.points), "as the log tells")):
        return told
    looked = _of_looks(points)
    counted = rates.by_minute(minutes, now, "as counted by minute")
    if looked is not None and (looked.seconds >= LONG_ENOUGH or counted is None):
        return looked
    if counted is not None:
        return counted
    # What was measured once has no rate, and another unit's is not its own; but a log's sums are of its own workers.
    if how_far.measure is not None and (how_far.reading is None or how_far.reading.kind != "log"):
        return None
    return _of_positions(how_far, each)


def _of_positions(how_far: Progress, each: Sequence[Way]) -> Rate | None:
    some = [
        one
        for one in each
        if one.rate is not None and one.unit != "percent" and not (one.worker.is_finished or one.is_standing)
    ]
    if len({one.unit for one in some}) != 1 or how_far.unit == "percent":
        return None
    known = [one.rate for one in some if one.rate is not None]
    return rates.together(known, 1, "as the workers tell")


def _share(profile: Profile, each: Sequence[Way]) -> Rate | None:
    """Of equal parts: that is how a share of the whole is told."""
    parts = [one for one in each if one.unit == "percent"]
    known = [one.rate for one in parts if one.rate and not (one.worker.is_finished or one.is_standing)]
    return rates.together(known, max(len(parts), profile.workers or 0), "as the workers tell")


def _of_looks(points: Sequence[Point]) -> Rate | None:
    return rates.rise(points, "between looks")


def _is_total_rising(how_far: Progress, points: Mapping[Measure, Sequence[Point]]) -> bool:
    whole = next((whole for measure, whole in PROGRESS if measure is how_far.measure), None)
    some = points.get(whole, []) if whole is not None else []
    return len(some) > 1 and some[-1].value > some[-2].value


def is_estimate(how_far: Progress) -> bool:
    """Whether it is a count that the planner of a database keeps, which stands still for long."""
    notes = how_far.reading.notes if how_far.reading is not None else []
    return any(note.startswith("about ") for note in notes)


def _told_every(each: Sequence[Way]) -> float | None:
    known = [one.told_every for one in each if one.told_every is not None and not one.worker.is_finished]
    return median(known) if known else None
