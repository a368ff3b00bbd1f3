"""The workers beside each other: who is behind, who stands still, who began again."""

from collections.abc import Iterator
from typing import Final

from backfill.monitor.amounts import listed, share, span
from backfill.monitor.judging.case import Case
from backfill.monitor.report import Finding, Level, State
from backfill.monitor.ways import Way
from backfill.texts import counted

MOST_NAMED: Final = 5
STRAGGLERS: Final = 0.25  # of the workers: so few of them make the others wait


def findings(case: Case, state: State) -> list[Finding]:
    """What is to be said of some workers, or of one."""
    is_open = state not in (State.FINISHED, State.DEAD)
    open_ = (*_unheard(case), *_stalled(case, state), *_apart(case)) if is_open else ()
    return [*open_, *_again(case), *_fell(case)]


def stalled(case: Case) -> list[Way]:
    """Those that have not moved for too long while others have."""
    return [one for one in case.pace.ways if one.is_standing]


def _stalled(case: Case, state: State) -> Iterator[Finding]:
    found = stalled(case)
    if not found or state is State.STUCK:
        return
    names = listed([one.name for one in found])
    longest = span(case.now - min(one.moved_at or case.now for one in found))
    evidence = [f"{one.text}, moved last at {case.at(one.moved_at)}" for one in found[:MOST_NAMED]]
    text = f"{_who(found, names)} not moved for {longest}, while others have"
    step = f"see what worker {found[0].name} waits for; start it again, or give its share to others"
    yield Finding("worker_stalled", Level.WARNING, text, evidence, step)


def _unheard(case: Case) -> Iterator[Finding]:
    told, many = case.pace.ways, case.profile.workers or 0
    first = min((one.worker.points[0].at for one in told if one.worker.points), default=case.now)
    if told and len(told) < many and case.now - first >= case.profile.stuck_after:
        text = f"{many - len(told):,} of {many:,} workers were not heard of"
        step = "see whether they were started, and write where they are looked for"
        yield Finding("worker_stalled", Level.WARNING, text, [f"there are {listed([one.name for one in told])}"], step)


def _fell(case: Case) -> Iterator[Finding]:
    fell, measure = case.pace.fell, case.pace.progress.measure
    if fell is not None and measure is not None and not case.jobs:
        text = f"the number of {measure.value} fell from {fell[0]:,.0f} to {fell[1]:,.0f} since the last look"
        step = "see who deletes, or whether it was begun again"
        yield Finding("went_backwards", Level.WARNING, text, [], step)


def _who(found: list[Way], names: str) -> str:
    return f"worker {names} has" if len(found) == 1 else f"{counted(len(found), 'worker')}, {names}, have"


def _apart(case: Case) -> Iterator[Finding]:
    told = [one for one in case.pace.ways if one.percent is not None]
    open_ = [one for one in told if not one.worker.is_finished]
    if not open_ or len(told) < 2:
        return
    limit = case.profile.limits.workers_apart_percent
    last = min(open_, key=lambda one: one.percent or 0.0)
    first = max(open_, key=lambda one: one.percent or 0.0)
    low, high = last.percent or 0.0, first.percent or 0.0
    if last.is_standing:
        return  # that is why, and is said
    if len(open_) < len(told) and len(open_) <= max(1.0, STRAGGLERS * len(told)):
        if 100 - low < limit:
            return
        text = f"workers finish far apart: {counted(len(told) - len(open_), 'has', 'have')} finished, "
        text += f"worker {last.name} is at {share(low)}"
    elif high - low >= limit:
        text = f"workers are far apart: worker {last.name} is at {share(low)}, worker {first.name} at {share(high)}"
    else:
        return
    evidence = [last.text] + ([first.text] if first is not last else [])
    step = f"give a part of what is left for worker {last.name} to workers that have finished or are ahead"
    yield Finding("workers_apart", Level.WARNING, text, evidence, step)


def _again(case: Case) -> Iterator[Finding]:
    workers = [(one, one.worker) for one in case.pace.ways]
    again = [(way, one.restarts) for way, one in workers if one.restarts > 0]
    if again:
        times = sum(many for _, many in again)
        text = f"{_names(case, again)} began again, {counted(times, 'time')} in all; rates are of what came after"
        step = "find out why: the lines before, the supervisor's log; see that no work is done twice"
        yield Finding("restarted", Level.WARNING, text, _told(again, "began again"), step)
    back = [(way, one.backwards) for way, one in workers if one.backwards > 0]
    if back:
        text = f"the progress of {_names(case, back)} went backwards; rates are of what came after"
        step = "see whether two processes write one log, or its total has grown"
        yield Finding("went_backwards", Level.WARNING, text, _told(back, "went backwards"), step)


def _names(case: Case, found: list[tuple[Way, int]]) -> str:
    if 1 < len(found) == len(case.pace.ways):
        return f"all {len(found):,} workers"
    names = listed([way.name for way, _ in found])
    return f"worker {names}" if len(found) == 1 else f"{len(found):,} workers, {names},"


def _told(found: list[tuple[Way, int]], what: str) -> list[str]:
    return [f"{way.text}, {what} {counted(many, 'time')}" for way, many in found[:MOST_NAMED]]
