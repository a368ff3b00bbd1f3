"""Whether it moves as it should: stuck, or slow."""

from typing import Final

from backfill.monitor.amounts import listed, plain, span
from backfill.monitor.judging.case import Case, described
from backfill.monitor.judging.phrases import Verdict, how_far, last_seen, verdict
from backfill.monitor.rates import LONG_ENOUGH
from backfill.monitor.readings import Measure, Reading
from backfill.monitor.report import Level, State

SOON: Final = 3_600.0  # seconds


def stuck(case: Case) -> Verdict | None:
    alive, quiet = case.alive, case.quiet_seconds
    lives = [described(one, case.now) for one in alive[:3]]
    if alive and all(one.is_stopped for one in alive):
        pids = listed([str(one.pid) for one in alive])
        text = f"its process {pids} is stopped by a signal, or a zombie" if len(alive) == 1 else f"{pids} are stopped"
        step = f"let it go on: kill -CONT {alive[0].pid}; start it again where it is a zombie"
        return verdict(State.STUCK, Level.CRITICAL, text, [*lives, *last_seen(case)], step)
    if quiet is None and not case.pace.is_known:
        quiet = case.silent_seconds
    if quiet is None or quiet < case.profile.stuck_after:
        return None
    if case.since is not None and quiet >= case.now - case.since:
        text = f"nothing since {case.at(case.since)}, and what is older was not looked at"
        return verdict(State.UNKNOWN, Level.UNKNOWN, text, lives, "look at all of it, without --since")
    if case.behind_seconds is not None and case.pace.still_since is None:
        text = f"its lines are {span(case.behind_seconds)} behind the time at which their file was written, just now"
        step = "set timezone in the profile to that of its lines"
        return verdict(State.UNKNOWN, Level.WARNING, text, lives, step)
    far = how_far(case, is_moving=False)
    text = f"nothing has moved for {span(quiet)}" + (f", {far}" if far else "")
    if (cause := _cause(case)) is not None:
        return verdict(State.STUCK, Level.CRITICAL, f"{text}; {cause}", [*lives, *last_seen(case)])
    speaks = case.silent_seconds is not None and case.silent_seconds < min(quiet / 2, case.profile.stuck_after)
    if alive:
        text += ", while its process is alive"
        step = f"see what process {alive[0].pid} waits for: the last lines, locks, the target; then start it again"
    elif speaks:
        text += ", while its log goes on"
        step = "read the last lines of its log; then start it again"
    else:
        text += "; whether its process lives is not known"
        step = "see whether its process lives: backfill monitor --process NAME"
    return verdict(State.STUCK, Level.CRITICAL, text, [*lives, *last_seen(case)], step)


def _cause(case: Case) -> str | None:
    """What is known to stop it, whose finding says what to do; a program waits for the first of them for ever."""
    full = case.happened("disk_full")
    if full.total and not case.is_past(full):
        return "its disk is full"
    if out := [one.target.address for one in case.readings if one.target and one.target.milliseconds is None]:
        return f"{out[0]} cannot be reached"
    return None


def _seconds_left(case: Case) -> float:
    """At the latest; 0 where that is not known."""
    latest = case.pace.eta.latest_at
    return latest.timestamp() - case.now if latest is not None else 0.0


def _is_own(reading: Reading) -> bool:
    """Whether it is of our own workers, whose speed is that of their definition: their logs know no total."""
    return reading.job is not None or (reading.kind == "log" and Measure.ROWS_TOTAL not in reading.measures)


def slow(case: Case) -> Verdict | None:
    rate, limits, progress = case.pace.rate, case.profile.limits, case.pace.progress
    is_judged = limits.is_rate_judged
    if is_judged is None:
        is_judged = progress.unit == "rows" and progress.reading is not None and not _is_own(progress.reading)
    if not is_judged or rate is None or rate.a_minute <= 0 or rate.seconds < LONG_ENOUGH:
        return None
    is_default = "good_rate" not in limits.model_fields_set
    if is_default and 0 < _seconds_left(case) < SOON:
        return None  # it is one load's, and this one is soon done
    # Whoever has finished leaves the others to work alone, at no fault of theirs.
    ways = case.pace.ways
    open_ = sum(not one.worker.is_finished for one in ways)
    good = limits.good_rate[0] * (open_ / len(ways) if open_ else 1.0)
    if rate.a_minute >= good:
        return None
    low, high = (plain(one) for one in limits.good_rate)
    evidence = [f"{low} to {high} {progress.unit} a minute are good; measured {rate.way} over {span(rate.seconds)}"]
    if is_default:
        evidence.append("that is the default: set good_rate below limits in the profile to what is good here")
    if open_ and open_ < len(ways):
        evidence.append(f"{open_:,} of {len(ways):,} workers are left, of whom {plain(good)} a minute are expected")
    step = "see what it waits for: the target's load, the network, limits of rate; then add workers, a few at a time"
    return verdict(State.SLOW, Level.WARNING, how_far(case), evidence, step)
