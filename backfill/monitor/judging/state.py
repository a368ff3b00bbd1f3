"""What the backfill does: the one verdict that every report has, and its evidence."""

from collections.abc import Callable
from typing import Final

from backfill.monitor.amounts import foreign, share, span
from backfill.monitor.judging import jobs
from backfill.monitor.judging.case import Case, described
from backfill.monitor.judging.ended import dead, finished
from backfill.monitor.judging.halting import slow, stuck
from backfill.monitor.judging.phrases import Verdict, how_far, verdict
from backfill.monitor.readings import Reading
from backfill.monitor.report import Level, State
from backfill.texts import one_line

AGAIN: Final = "look again in a minute: what rises shows then"
OWN_UNIT: Final = "record"  # of the lines of our own workers, which end with the job
LATE: Final = 5.0  # times what usually lies between two lines of a worker, and
SHORT: Final = 20.0  # seconds: for less nobody has to look


def state(case: Case) -> Verdict:
    """The state and the finding of that name; the first that can be told."""
    if (of_job := jobs.state(case)) is not None:
        return _beside(case, of_job)
    for judge in _JUDGES:
        if (found := judge(case)) is not None:
            return found
    return _running(case)


def _beside(case: Case, of_job: Verdict) -> Verdict:
    """What the job does; where it is over, or waits, and a log beside it is of something else that moves, that too."""
    what, found = of_job
    ways = [one for one in case.pace.ways if not one.worker.is_finished and one.unit != OWN_UNIT and one.moved_at]
    ways = [one for one in ways if case.now - (one.moved_at or 0.0) < case.profile.stuck_after]
    if what not in (State.FINISHED, State.DEAD, State.PAUSED) or not ways:
        return of_job
    sources = ", ".join(dict.fromkeys(foreign(one.worker.source) for one in ways))
    told = [one.percent for one in ways if one.percent is not None]
    far = f" at {share(sum(told) / len(told))}" if told else ""
    text = f"{sources} moves{far}; the job is {what.value}: {found.text}"
    return verdict(State.RUNNING, found.level, text, found.evidence, found.next)


def _nothing(case: Case) -> Verdict | None:
    if not case.readings:
        step = "say where to look, such as --log 'logs/*.log', or have a profile written: backfill monitor init"
        return verdict(State.UNKNOWN, Level.UNKNOWN, "no source was given and none was found", [], step)
    if all(one.problems and not _tells(one) for one in case.readings):
        text = f"none of its sources could be read: {one_line(case.readings[0].problems[0].text, 200)}"
        return verdict(State.UNKNOWN, Level.UNKNOWN, text, [])
    return None


def _tells(one: Reading) -> bool:
    told = (one.measures, one.minutes, one.groups, one.workers, one.happened, one.processes, one.target)
    return any(bool(what) for what in told) or one.newest_at is not None


def _running(case: Case) -> Verdict:
    far, moved, alive = how_far(case), case.pace.moved_at, case.alive
    evidence = [described(one, case.now) for one in alive[:3]]
    if moved is not None:
        evidence.insert(0, f"it moved {case.ago(moved)}")
        return _moving(case, far or f"it moved {case.ago(moved)}", case.now - moved, evidence)
    told, step = _untold(case)
    sign = _sign(case)
    text = "; ".join(part for part in (far, sign, told) if part)
    if case.gone and not alive and not case.is_heard:
        text = "nothing tells whether it had finished"
    elif sign is not None:
        return verdict(State.RUNNING, Level.OK, text, evidence, None if case.pace.measures else step)
    return verdict(State.UNKNOWN, Level.UNKNOWN, text, evidence, step)


def _moving(case: Case, text: str, quiet: float, evidence: list[str]) -> Verdict:
    """It has moved lately; but that may have been long ago for one that usually tells of it often."""
    every = case.pace.told_every
    if every is not None and quiet > max(LATE * every, SHORT):
        text += f"; silent for {span(quiet)}, a worker told every {span(every)}"
        step = "look again in a minute; where it is still silent, see what its process does"
        return verdict(State.RUNNING, Level.WARNING, text, evidence, step)
    return verdict(State.RUNNING, Level.OK, text, evidence)


def _sign(case: Case) -> str | None:
    """A sign of life."""
    if case.alive:
        return "its process is alive"
    return None if case.heard_at is None else f"its log was written {case.ago(case.heard_at)}"


def _untold(case: Case) -> tuple[str, str]:
    """That nothing is known to have moved, and what to do about it."""
    if case.pace.still_since is not None:
        return f"nothing has moved for {span(case.now - case.pace.still_since)}", AGAIN
    if case.pace.measures or case.pace.ways:
        return "nothing tells yet whether it moves", AGAIN
    step = "name what tells it: a query, a command that counts, a job, or patterns of its log"
    return "no source tells how far it is", step


_JUDGES: Final[tuple[Callable[[Case], Verdict | None], ...]] = (_nothing, finished, dead, stuck, slow)
