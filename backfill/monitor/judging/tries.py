"""Calls that were refused and work that was tried again: are there too many workers, does trying again help?"""

from collections.abc import Iterator
from typing import Final

from backfill.monitor.amounts import numeric, plain, span
from backfill.monitor.judging.case import Case, ends, quoted
from backfill.monitor.readings import Happened, Measure
from backfill.monitor.report import Finding, Level, State
from backfill.texts import counted

REFUSALS: Final = (("http_503", "503s"), ("rate_limit", "rate limits"))
SHOWN_MINUTES: Final = 6
LEFT: Final = 0.75  # of the workers, where there are too many


def findings(case: Case, state: State) -> list[Finding]:
    """Of what was refused, and of retries that failed; of what is finished nothing is to be set otherwise."""
    return [*_failing(case, state), *_refused(case, state)]


def failed_retries(case: Case) -> int:
    """How many there are, by the logs or by what a source measures; of jobs of ours the ledger keeps its own count."""
    told = [numeric(one.measures.get(Measure.FAILED_RETRIES)) or 0 for one in case.readings if one.job is None]
    return max(case.happened("gave_up").total, *map(round, told), 0)


def is_recovered(case: Case, refused: Happened) -> bool:
    """Whether the counts support that every refusal was overcome."""
    if failed_retries(case) > 0:
        return False
    return case.happened("recovered").total > 0 or case.is_past(refused)


def _failing(case: Case, state: State) -> Iterator[Finding]:
    failed, limit = failed_retries(case), case.profile.limits.failed_retries
    if failed <= limit:
        return
    gave_up = case.happened("gave_up")
    allowed = f"{limit:,} are allowed" if limit else "none is allowed"
    text = f"{counted(failed, 'failed retry', 'failed retries')}, {allowed}: work is missing"
    evidence = [quoted(line) for line in ends(gave_up)]
    tried = case.happened("attempt_failed").total
    if tried:
        evidence.append(f"{counted(tried, 'attempt')} failed and could be tried again")
    step = {
        State.FINISHED: "do again what the lines name",
        State.DEAD: f"start it again slower, {_fewer(case)}; then do again what the lines name",
    }.get(state, f"stop it, and start it again slower, {_fewer(case)}; then do again what the lines name")
    yield Finding("retries_failing", Level.CRITICAL, text, evidence, step)


def _refused(case: Case, state: State) -> Iterator[Finding]:
    tuned: list[str] = []
    seen: list[str] = []
    is_every = True
    for name, label in REFUSALS:
        refused = case.happened(name)
        hour = case.last_hour(refused)
        if not refused.total:
            continue
        if hour is None or hour >= case.profile.limits.http_503_an_hour:
            yield from _too_many(case, refused, label, hour) if state is not State.FINISHED else ()
        elif is_recovered(case, refused):
            tuned.append(f"{hour:,} {label} in {_hour(case)}")
            seen.extend(_counts(case, refused, label))
            is_every &= case.happened("recovered").total >= refused.total or case.is_past(refused)
    if tuned:
        text = f"well tuned: {' and '.join(tuned)}, {'all recovered' if is_every else 'none failed for good'}"
        text += "" if all(one.is_whole for one in case.readings) else ", as far as the log was read"
        yield Finding("well_tuned", Level.OK, text, seen)


def _too_many(case: Case, refused: Happened, label: str, hour: int | None) -> Iterator[Finding]:
    limits = case.profile.limits
    evidence = [*_counts(case, refused, label), *(quoted(line) for line in refused.examples[-2:])]
    if hour is None:
        if refused.total >= limits.http_503_an_hour:
            text = f"{refused.total:,} {label}; how many an hour is not known, as their lines have no times"
            yield Finding("too_many_503", Level.WARNING, text, evidence, f"where they rise: {_fewer(case)}")
        return
    is_said = failed_retries(case) > limits.failed_retries  # with the failed retries, which are more urgent
    step = None if is_said else f"start it again with {_fewer(case)}"
    if hour > limits.too_many_503_an_hour:
        text = f"{hour:,} {label} in {_hour(case)}, more than {limits.too_many_503_an_hour:,}: too many workers"
        yield Finding("too_many_503", Level.WARNING, text, evidence, step)
        return
    text = f"{hour:,} {label} in {_hour(case)}, fewer than {limits.http_503_an_hour:,} are healthy"
    step = f"add no workers; above {limits.too_many_503_an_hour:,} an hour take {_fewer(case)}"
    yield Finding("too_many_503", Level.WARNING, text, evidence, step)


def _counts(case: Case, refused: Happened, label: str) -> Iterator[str]:
    recovered, moved = case.happened("recovered").total, case.pace.moved_at
    if recovered < refused.total and moved is not None and refused.last_at is not None and case.is_past(refused):
        yield f"{refused.total:,} {label} in all; it moved on {span(moved - refused.last_at)} after the last of them"
    else:
        yield f"{refused.total:,} {label} in all, {recovered:,} recovered, {failed_retries(case):,} failed for good"
    if len(refused.minutes) > 1:
        last = sorted(refused.minutes)[-1]
        counts = [refused.minutes.get(minute, 0) for minute in range(last - SHOWN_MINUTES + 1, last + 1)]
        yield f"{label} a minute, the newest last: {', '.join(f'{one:,}' for one in counts)}"


def _hour(case: Case) -> str:
    return "the last hour" if (case.silent_seconds or 0.0) < case.profile.stuck_after else "its last hour"


def _fewer(case: Case) -> str:
    many = case.profile.workers or len(case.pace.ways)
    return f"{plain(int(many * LEFT))} workers instead of {many:,}" if many > 1 else "fewer workers, or longer pauses"
