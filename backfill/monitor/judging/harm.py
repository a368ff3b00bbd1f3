"""What does harm: fatal lines, a full disk, rows that do not rise."""

from collections.abc import Iterator
from typing import Final

from backfill.monitor.amounts import share, size, span
from backfill.monitor.judging.case import SILENCE, Case, absent, described, ends, quoted
from backfill.monitor.readings import Happened, Measure
from backfill.monitor.report import Finding, Level, State
from backfill.texts import counted

FEW: Final = 5  # errors that may be by chance
LONG_ENOUGH: Final = 0.5  # of the time after which it is stuck: many commit every few minutes


def findings(case: Case, state: State) -> list[Finding]:
    """What there is of it, with the lines that say so."""
    found = [*_disk(case, state), *_fatal(case, state), *_errors(case, state)]
    return [*found, *_not_rising(case, state)]


def _fatal(case: Case, state: State) -> Iterator[Finding]:
    fatal = case.happened("fatal")
    if not fatal.total:
        return
    is_bad = state in (State.DEAD, State.STUCK) or not case.is_past(fatal)
    level = Level.CRITICAL if is_bad and state is not State.FINISHED else Level.WARNING
    text = counted(fatal.total, "fatal line") + _newest(case, fatal)
    if case.is_past(fatal):
        text += "; it has gone on since"
    step = "read what stands around them, and see that what was being done then is done again"
    is_said = state is State.DEAD  # whose own step begins with them
    yield Finding("fatal_lines", level, text, [quoted(line) for line in fatal.examples], None if is_said else step)


def _errors(case: Case, state: State) -> Iterator[Finding]:
    """Errors that are none of those that are counted by themselves: where they go on and nothing moves, or of many."""
    errors, limit = case.happened("error"), case.profile.limits.http_503_an_hour
    hour = case.last_hour(errors)
    if case.jobs or state is State.FINISHED or hour is None or hour < FEW:
        return
    moved, last = case.pace.moved_at, errors.last_at
    goes_on = last is not None and case.heard_at is not None and case.heard_at - last < SILENCE
    is_moving = moved is not None and last is not None and moved > last - SILENCE
    if hour < limit and (is_moving or not goes_on):
        return
    text = f"{counted(hour, 'error')} in the last hour of the log"
    text += "" if is_moving else ", and nothing tells that it moves"
    step = "read them: does each batch fail?"
    yield Finding("many_errors", Level.WARNING, text, [quoted(line) for line in ends(errors)], step)


def _disk(case: Case, state: State) -> Iterator[Finding]:
    limit = case.profile.limits.free_disk_percent
    full = case.happened("disk_full")
    where = [
        f"{size(one.free_bytes)} of {size(one.disk_bytes)} free where pid {one.pid} writes"
        for one in case.alive
        if one.free_bytes is not None and one.disk_bytes and 100 * one.free_bytes / one.disk_bytes < limit
    ]
    step = "make room where it writes: df -h, du -xh --max-depth=2; then see that what failed is done again"
    if full.total:
        is_past = case.is_past(full) and not where
        level = Level.WARNING if is_past or state is State.FINISHED else Level.CRITICAL
        text = f"no space left on the disk: {counted(full.total, 'line')}{_newest(case, full)}"
        text += "; it has gone on since" if is_past else ""
        yield Finding("disk_full", level, text, [*where, *map(quoted, ends(full))], step)
    elif where:
        text = f"the disk is nearly full: less than {share(limit)} is free"
        yield Finding("disk_full", Level.CRITICAL, text, where, step)


def _newest(case: Case, happened: Happened) -> str:
    if happened.last_at is None:
        return ""
    newest = "at" if happened.total == 1 else "the newest at"
    return f", {newest} {case.at(happened.last_at)}"


def _not_rising(case: Case, state: State) -> Iterator[Finding]:
    since, measure = case.pace.still_since, case.pace.progress.measure
    if since is None or measure is None or case.jobs or state in (State.FINISHED, State.UNKNOWN):
        return
    still = case.now - since
    if still < LONG_ENOUGH * case.profile.stuck_after:
        return
    level = Level.CRITICAL if still >= case.profile.stuck_after else Level.WARNING
    text = f"the number of {measure.value} has not risen for {span(still)}: {case.measure(measure) or 0:,.0f}"
    looked_at = [_process(case), _lines(case), _space(case)]
    is_open = any("not looked at" in one for one in looked_at)
    step = "check the process, the fatal lines and the disk space, in this order" if is_open else None
    yield Finding("rows_not_rising", level, text, looked_at, step)


def _process(case: Case) -> str:
    if case.alive:
        return f"process: alive, {described(case.alive[0], case.now)}"
    if case.gone:
        return f"process: gone, {absent(case.gone[0])}"
    return "process: not looked at; name it with --process"


def _lines(case: Case) -> str:
    if not any(one.kind == "log" for one in case.readings):
        return "fatal lines: not looked at; name the log with --log"
    fatal = case.happened("fatal")
    return f"fatal lines: {fatal.total:,}" + "".join(f"; {quoted(one)}" for one in fatal.examples[-1:])


def _space(case: Case) -> str:
    full = case.happened("disk_full").total
    free = [one.free_bytes for one in case.alive if one.free_bytes is not None]
    measured = case.measure(Measure.FREE_BYTES)
    known = [*free, *([measured] if measured is not None else [])]
    told = f"{size(min(known))} free" if known else "free space not looked at"
    return f"disk: {told}, {counted(full, 'line')} of no space left"
