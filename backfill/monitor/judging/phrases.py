"""What several verdicts say alike."""

from backfill.monitor.amounts import amount, part, plain, share
from backfill.monitor.judging.case import Case
from backfill.monitor.report import Finding, Level, State

Verdict = tuple[State, Finding]


def verdict(state: State, level: Level, text: str, evidence: list[str], step: str | None = None) -> Verdict:
    """A state with its finding, which has the same name."""
    return state, Finding(state.value, level, text, evidence, step)


def how_far(case: Case, *, is_moving: bool = True) -> str:
    """How far, and how fast where it moves, in a phrase: 61.2 % done, 312,000 rows a minute."""
    pace, progress, parts = case.pace, case.pace.progress, []
    if progress.done is not None and progress.total and progress.unit != "percent":
        done = part(progress.done, progress.total, progress.unit)
        parts.append(f"{share(100 * progress.done / progress.total)} done, {done}")
    elif progress.percent is not None:
        many = len([one for one in pace.ways if one.percent is not None])
        parts.append(f"{share(progress.percent)} done" + (f" by {many:,} workers" if many > 1 else ""))
    if progress.done is not None and not progress.total:
        parts.append(amount(progress.done, progress.unit))
    if not is_moving:
        return ", ".join(parts)
    if pace.rate is not None and pace.rate.a_minute > 0:
        parts.append(f"{amount(pace.rate.a_minute, progress.unit)} a minute")
    elif pace.share is not None and pace.share.a_minute > 0:
        parts.append(f"{plain(pace.share.a_minute)} % a minute")
    return ", ".join(parts)


def last_seen(case: Case) -> list[str]:
    """When it moved last, and when it was last heard of."""
    found = []
    if case.pace.moved_at is not None:
        found.append(f"it moved last at {case.at(case.pace.moved_at)}, {case.ago(case.pace.moved_at)}")
    if case.heard_at is not None:
        found.append(f"its log was last written at {case.at(case.heard_at)}, {case.ago(case.heard_at)}")
    return found
