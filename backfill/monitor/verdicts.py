"""The judgement of one look: verdict first, then the evidence, then what to do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from backfill.monitor.amounts import moment
from backfill.monitor.counts import errors
from backfill.monitor.groups import of_jobs, worker_groups
from backfill.monitor.judging import crew, data, harm, jobs, sources, tries
from backfill.monitor.judging.case import Case
from backfill.monitor.judging.state import state
from backfill.monitor.left import behind, last_of, unknown
from backfill.monitor.pace import Pace
from backfill.monitor.profile import Profile
from backfill.monitor.readings import Reading
from backfill.monitor.report import Eta, Finding, Level, Report, Seen, State
from backfill.monitor.shape import kind, stats
from backfill.texts import one_line

NAMES: Final = (
    *(one.value for one in State),
    *("retries_failing", "disk_full", "fatal_lines", "process_gone", "target_unreachable", "rows_not_rising"),
    *("attention", "many_errors", "too_many_503", "worker_stalled", "workers_apart", "process_ambiguous", "restarted"),
    *("went_backwards", "quality", "source_failed", "profile_mistake", "clock_jumped", "rotated"),
    "well_tuned",
)  # the most urgent first
BADNESS: Final = (Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL)
MOST_STEPS: Final = 5
MOST_GROUPS: Final = 20
MOST_OF_A_TEXT: Final = 700
MOST_EVIDENCE: Final = 12


def judged(profile: Profile, readings: Sequence[Reading], pace: Pace, now: float, since: float | None = None) -> Report:
    """The report of what was read at `now`; raises nothing, whatever was."""
    case = Case(profile, readings, pace, kind(profile, readings), now, since)
    what, verdict = state(case)
    first = _clean(verdict)
    checks = data.quality(case)
    found = [
        *tries.findings(case, what),
        *harm.findings(case, what),
        *crew.findings(case, what),
        *jobs.findings(case),
        *sources.findings(case, what),
        *data.findings(checks),
    ]
    others = sorted(map(_clean, found), key=lambda one: (-BADNESS.index(one.level), NAMES.index(one.name)))
    findings = [first, *others]
    left = _eta(pace.eta, what, first)
    groups, slowest = of_jobs(readings)
    worst = max((one.level for one in findings), key=BADNESS.index)
    return Report(
        title=one_line(profile.title, 200),
        profile=profile.name,
        kind=case.kind,
        state=what,
        level=worst,
        headline=_headline(what, first, others, left),
        at=moment(now) or datetime.fromtimestamp(0, UTC),
        since=moment(since),
        findings=findings,
        stats=stats(case, what),
        workers=[*groups, *worker_groups(pace.ways, crew.stalled(case) if what is not State.FINISHED else [])],
        slowest=_slowest(pace, what) or slowest,
        errors=errors(case),
        quality=checks,
        eta=left,
        minutes=_minutes(pace, now),
        groups=_groups(readings),
        sources=[_seen(one, pace) for one in readings],
        next=_next(findings),
    )


def _clean(one: Finding) -> Finding:
    """Names and lines of others stand in texts of ours: all on one line, and nothing that is not seen."""
    evidence = [one_line(text, MOST_OF_A_TEXT) for text in one.evidence[:MOST_EVIDENCE]]
    step = one_line(one.next, MOST_OF_A_TEXT) if one.next else None
    return Finding(one.name, one.level, one_line(one.text, MOST_OF_A_TEXT), evidence, step)


def _headline(what: State, first: Finding, others: Sequence[Finding], left: Eta) -> str:
    """The verdict, what is worse than it, and when it may be done."""
    parts = [f"{what.value}: {first.text}"]
    worse = [one for one in others if BADNESS.index(one.level) > BADNESS.index(first.level)]
    parts.extend(one.text for one in worse[:1])
    alike = sum(one.level is worse[0].level for one in worse[1:]) if worse else 0
    parts.extend([f"and {alike} more as bad"] if alike else [])
    is_critical = first.level is Level.CRITICAL or (bool(worse) and worse[0].level is Level.CRITICAL)
    parts.extend([left.text] if left.latest_at is not None and not is_critical else [])
    return "; ".join(parts)


def _slowest(pace: Pace, what: State) -> str | None:
    """The worker that the others have to wait for, where there are several."""
    if len(pace.ways) < 2:
        return None
    if what in (State.STUCK, State.DEAD):
        last = behind(pace.ways)
        return last.place if last is not None else None
    last = last_of(pace.ways)
    return last.text if last is not None else None


def _eta(eta: Eta, what: State, first: Finding) -> Eta:
    match what:
        case State.FINISHED:
            return unknown("it is done" if first.level is Level.OK else "it has ended")
        case State.DEAD:
            return unknown("never, as it is: it has ended before it was complete")
        case State.STUCK:
            return unknown("not known: nothing moves")
        case State.PAUSED:
            return unknown("not known: it is paused")
        case _:
            return eta


def _minutes(pace: Pace, now: float) -> list[dict[str, Any]]:
    """Those that are whole: one that has just begun is no throughput."""
    whole = [(minute, count) for minute, count in pace.minutes.items() if minute < now // 60]
    return [{"minute": moment(60.0 * minute), "count": count} for minute, count in whole]


def _groups(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    found = [(name, count) for one in readings for name, count in one.groups.items()]
    found.sort(key=lambda one: (-one[1], one[0]))
    return [{"name": one_line(name, 200), "count": count} for name, count in found[:MOST_GROUPS]]


def _seen(reading: Reading, pace: Pace) -> Seen:
    notes = [one_line(note) for note in (*reading.notes, *reading.clock_jumps)]
    if reading is pace.progress.reading:
        notes.extend(one_line(one) for one in pace.progress.doubles)
    if not reading.is_whole:
        notes.append("there is more, which the next look reads")
    problems = [one_line(one.text) for one in reading.problems]
    text = one_line(reading.seen) or ("could not be read" if problems else "read")
    return Seen(one_line(reading.source, 300), reading.kind, text, problems, notes)


def _next(findings: Sequence[Finding]) -> list[str]:
    ordered = sorted(findings, key=lambda one: -BADNESS.index(one.level))
    return list(dict.fromkeys(one.next for one in ordered if one.next))[:MOST_STEPS]
