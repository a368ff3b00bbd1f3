"""Whether it has ended: finished, or dead before it was."""

from typing import Final

from backfill.monitor.amounts import amount, part, share, span
from backfill.monitor.judging.case import SILENCE, Case, absent, described, is_of_pid, quoted
from backfill.monitor.judging.phrases import Verdict, how_far, last_seen, verdict
from backfill.monitor.readings import Happened, Reading
from backfill.monitor.report import Level, State
from backfill.texts import counted

NEARLY: Final = 99.0  # percent
LATE: Final = 5.0  # times what usually lies between two lines of a worker


def finished(case: Case) -> Verdict | None:
    pace, evidence = case.pace, []
    ways = pace.ways
    is_all = bool(ways) and all(one.worker.is_finished for one in ways) and len(ways) >= (case.profile.workers or 0)
    if is_all:
        evidence.append(f"all {len(ways):,} workers have finished" if len(ways) > 1 else "its worker has finished")
    is_open = bool(ways) and not is_all
    if pace.progress.is_whole and not is_open and not _goes_on(case):
        evidence.append(f"{part(pace.progress.done or 0.0, pace.progress.total, pace.progress.unit)} are done")
    evidence.extend(_said(case, is_open))
    if not evidence:
        return None
    if _is_short(case, is_all):
        text = f"its work has ended, but {how_far(case, is_moving=False)}"
        step = "find out what is missing: compare what is there with what there should be"
        return verdict(State.FINISHED, Level.WARNING, text, evidence, step)
    evidence.extend(last_seen(case)[:1])
    evidence.extend(f"its process is still there: {described(one, case.now)}" for one in case.alive[:3])
    text, *rest = evidence
    if is_all and pace.progress.done is not None:
        text += f", {amount(pace.progress.done, pace.progress.unit)}"
    return verdict(State.FINISHED, Level.OK, text, rest)


def _said(case: Case, is_open: bool) -> list[str]:
    """The lines that say that the whole is finished, of logs in which nothing comes after them."""
    # Of several that write, one may be done while the others are not.
    if is_open and not case.gone and (case.quiet_seconds or 0.0) < max(SILENCE, LATE * (case.pace.told_every or 0.0)):
        return []
    return [
        f"it says so: {quoted(line)}"
        for one in case.readings
        if (said := one.happened.get("finished")) is not None and said.total and _is_last(case, one, said)
        for line in said.examples[-1:]
    ]


def _is_last(case: Case, reading: Reading, said: Happened) -> bool:
    fatal = reading.happened.get("fatal")
    if reading.last_fatal_is_newest or said.last_at is None:
        return not reading.last_fatal_is_newest
    if fatal is not None and fatal.last_at is not None and fatal.last_at > said.last_at:
        return False
    # What was written long after is of another run.
    return reading.newest_at is None or reading.newest_at - said.last_at < case.profile.stuck_after


def _goes_on(case: Case) -> bool:
    """Whether it rises still, and its total with it, or above that: then the total says nothing of an end."""
    progress, rate, quiet = case.pace.progress, case.pace.rate, case.quiet_seconds
    is_more = progress.done is not None and progress.total is not None and progress.done > progress.total
    is_more = is_more or case.pace.is_total_rising
    return is_more and rate is not None and rate.a_minute > 0 and quiet is not None and quiet < SILENCE


def _is_short(case: Case, is_all: bool) -> bool:
    """Whether less is there than there should be; few programs tell of their very last percent."""
    progress = case.pace.progress
    if progress.measure is not None and progress.total:
        return not progress.is_whole
    return not is_all and progress.percent is not None and progress.percent < NEARLY


def dead(case: Case) -> Verdict | None:
    far = how_far(case, is_moving=False)
    reached = f" at {share(case.pace.progress.percent)}" if case.pace.progress.percent is not None else ""
    evidence = last_seen(case)
    fatal = case.happened("fatal")
    is_last = any(one.last_fatal_is_newest for one in case.readings)
    lines = [quoted(one) for one in fatal.examples[-2:]] if is_last or not case.is_past(fatal) else []
    if case.gone and not _may_live(case) and (far or case.heard_at is not None or case.pace.ways):
        text = f"its process is gone{reached}" + (f", after {counted(fatal.total, 'fatal line')}" if lines else "")
        gone = [text for one in case.gone for text in (absent(one), *case.notes_on(one))]
        evidence = [*dict.fromkeys(gone), *evidence, *lines]
        return verdict(State.DEAD, Level.CRITICAL, text, evidence, _restart(case))
    if is_last and not case.alive and (case.silent_seconds or 0.0) >= SILENCE:
        evidence = [*lines, *evidence]
        text = f"a fatal line{reached}, and nothing in the {span(case.silent_seconds)} since"
        return verdict(State.DEAD, Level.CRITICAL, text, evidence, _restart(case))
    return None


def _may_live(case: Case) -> bool:
    """Whether another process, one of several that match, or what was just heard may be what is meant.

    A pid that is gone is gone; words may be the wrong ones.
    """
    is_certain = any(is_of_pid(one) for one in case.gone)
    return any(one.found for one in case.sought) or (case.is_heard and not is_certain)


def _restart(case: Case) -> str:
    where = " where it stopped" if case.pace.progress.percent else ""
    return f"find out why in the last lines of its log, and in dmesg for out of memory; then start it again{where}"
