"""When it may be done: by its slowest worker and by its overall rate, as a range."""

from collections.abc import Sequence
from datetime import datetime
from statistics import fmean

from backfill.monitor.amounts import YEAR, about, amount, moment
from backfill.monitor.amounts import share as share_of
from backfill.monitor.progress import Progress
from backfill.monitor.rates import Rate
from backfill.monitor.report import Eta
from backfill.monitor.ways import Way, since, sound

ALIKE = 1.1  # times what the whole takes
Left = tuple[float, float, float]  # seconds: as it goes, at best, at worst


def unknown(text: str, bottleneck: str | None = None) -> Eta:
    """No time, and why."""
    return Eta(None, None, None, None, bottleneck, text)


def left(how_far: Progress, rate: Rate | None, share: Rate | None, ways: Sequence[Way], now: float) -> Eta:
    """The times, or why they are not known; never one before now, or one where nothing moves."""
    job = how_far.reading.job if how_far.reading is not None else None
    if job is not None and not job.is_planned:
        return unknown("not known yet: it is still being planned")
    is_of_workers = how_far.total is None and how_far.percent is not None
    if job is not None:
        overall = _bounded(job.seconds_left, job.least_seconds_left, job.most_seconds_left)
    elif how_far.done is not None and how_far.total is not None:
        told = [one.age for one in ways if not (one.worker.is_finished or one.is_standing)]
        overall = rate.left(max(how_far.total - how_far.done, 0.0)) if rate is not None else None
        points = sound(how_far.reading.points) if how_far.reading is not None else []
        age = max(now - points[-1].at, 0.0) if points else fmean(told or [0.0]) if how_far.measure is None else 0.0
        overall = since(overall, age)
    else:
        told = [one.age for one in ways if one.percent is not None and not (one.worker.is_finished or one.is_standing)]
        overall = share.left(100.0 - how_far.percent) if share is not None and how_far.percent is not None else None
        overall = since(overall, fmean(told or [0.0]))
    if how_far.done is not None and how_far.total is not None and how_far.done > how_far.total:
        return unknown("not known: more is done than there should be in all; correct the total")
    slowest, bottleneck = _slowest(ways)
    if is_of_workers and any(one.is_standing and one.percent is not None for one in ways):
        return unknown(f"not known: {bottleneck}{_others(ways, now)}", bottleneck)
    if slowest is not None and overall is not None and sum(not one.worker.is_finished for one in ways) > 1:
        # Where all are alike nobody waits for one of them.
        bottleneck = bottleneck if slowest[0] > ALIKE * overall[0] else None
    if bottleneck is None and rate is not None and rate.a_minute > 0:
        bottleneck = f"the whole: {amount(rate.a_minute, how_far.unit)} a minute"
    if slowest is None and overall is None:
        return unknown(_why(how_far, rate, share), bottleneck)
    return _eta(slowest, overall, bottleneck, now)


def _bounded(seconds: float | None, least: float | None, most: float | None) -> Left | None:
    if seconds is None or not 0 <= seconds < float("inf"):
        return None
    known = [one for one in (least, most, seconds) if one is not None and 0 <= one < float("inf")]
    return seconds, min(known), max(known)


def _slowest(ways: Sequence[Way]) -> tuple[Left | None, str | None]:
    """What the last of them takes; a worker that stands still makes that unknown."""
    slowest = last_of(ways)
    if slowest is None:
        return None, None
    if slowest.is_standing:
        return None, f"worker {slowest.name} stands still at {share_of(slowest.percent or 0.0)}"
    return slowest.seconds_left, slowest.text if slowest.seconds_left is not None else None


def _others(ways: Sequence[Way], now: float) -> str:
    """When those are done that do move."""
    known = [seconds for one in ways if (seconds := one.seconds_left) is not None]
    return f"; the others are done at about {_at(max(one[0] for one in known), now)}" if known else ""


def last_of(ways: Sequence[Way]) -> Way | None:
    """The worker that the others have to wait for: one that stands still, else who needs longest, else who is last."""
    open_ = [one for one in ways if not one.worker.is_finished and one.percent is not None]
    standing = [one for one in open_ if one.is_standing]
    known = [(seconds[0], one) for one in open_ if (seconds := one.seconds_left) is not None]
    if known and not standing:
        return max(known, key=lambda pair: pair[0])[1]
    return behind(standing or open_)


def behind(ways: Sequence[Way]) -> Way | None:
    """The worker that has done least."""
    open_ = [one for one in ways if not one.worker.is_finished and one.percent is not None]
    return min(open_, key=lambda one: one.percent or 0.0, default=None)


def _why(how_far: Progress, rate: Rate | None, share: Rate | None) -> str:
    speed = rate or share
    if speed is not None and speed.a_minute <= 0:
        return "not known: nothing has moved"
    if how_far.done is None and how_far.percent is None and rate is None:
        return "not known: no source tells how far it is"
    if how_far.total is None and how_far.percent is None:
        return "not known: no source tells of how much it is; give --total, or total in the profile"
    return "not known yet: how fast it goes is known when it is looked at again"


def _eta(slowest: Left | None, overall: Left | None, bottleneck: str | None, now: float) -> Eta:
    known = [one for one in (slowest, overall) if one is not None]
    best, worst = min(one[1] for one in known), max(one[2] for one in known)
    return Eta(
        by_slowest_at=_moment(slowest[0], now) if slowest else None,
        by_overall_at=_moment(overall[0], now) if overall else None,
        earliest_at=_moment(best, now),
        latest_at=_moment(worst, now),
        bottleneck=bottleneck,
        text=_text(best, worst, now),
    )


def _text(best: float, worst: float, now: float) -> str:
    if worst < 0:
        return f"overdue: as it went, it would have been done by {_at(worst, now)}"
    early, late = _at(max(best, 0.0), now), _at(worst, now)
    if early == late:
        return f"done at about {late}, in {about(worst)}" if worst <= YEAR else f"done {late}"
    if worst > YEAR:
        return f"done at {early} at the earliest, in {about(best)}, or {late}"
    return f"done between {early} and {late}, in {about(max(best, 0.0))} to {about(worst)}"


def _moment(seconds: float, now: float) -> datetime | None:
    return moment(now + max(seconds, 0.0)) if seconds <= YEAR else None


def _at(seconds: float, now: float) -> str:
    found, today = moment(now + seconds) if seconds <= YEAR else None, moment(now)
    if found is None or today is None:
        return "in more than a year"
    return f"{found:%H:%M} UTC" if found.date() == today.date() else f"{found:%Y-%m-%d %H:%M} UTC"
