"""Whether a job goes well, line by line: each is measured, and says with what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs, progress, verdict
from backfill.ledger.progress import Progress
from backfill.ledger.views.minutes import minutes
from backfill.ledger.views.page import Item
from backfill.states import CLAIMABLE, ENDED, JobState
from backfill.texts import counted, one_line, percent

LOOK_BACK: Final = 5  # whole minutes that are compared
FEWEST: Final = 3
TOLERANCE: Final = 0.25  # of their mean
MOST_VIOLATIONS: Final = 10_000
VIOLATION: Final[type[asyncpg.PostgresError]] = asyncpg.IntegrityConstraintViolationError
VIOLATIONS: Final = [kind.__name__ for kind in (VIOLATION, *VIOLATION.__subclasses__())]


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    WAITING = "waiting"  # for what is not there yet, or will not be


@dataclass(frozen=True)
class Health:
    """What is asked beside the progress."""

    workers: int
    violations: int
    minutes: list[Item]


async def checklist(connection: Connection, job_id: UUID) -> list[Item]:
    """The lines of the list, always the same ones; raises NotFoundError."""
    now = await progress.read(connection, job_id)
    row = await connection.fetchrow(statements.read("ledger/views/job_health"), job_id, VIOLATIONS, MOST_VIOLATIONS)
    if row is None:
        raise jobs.missing(job_id)
    health = Health(row["workers"], row["violations"], await minutes(connection, job_id, LOOK_BACK + 2))
    return lines(now, health)


def lines(now: Progress, health: Health) -> list[Item]:
    """The same of what was read."""
    answers: dict[str, tuple[Answer, str]] = {
        "accepts_work": _accepts_work(now, health.workers),
        "errors_zero": _errors_zero(now),
        "rate_steady": _rate_steady(now, health.minutes),
        "half": _half(now),
        "whole": _whole(now),
        "no_violations": _no_violations(now, health.violations),
        "values_checked": _values_checked(now),
    }
    return [{"name": name, "state": state.value, "text": text} for name, (state, text) in answers.items()]


def _accepts_work(now: Progress, workers: int) -> tuple[Answer, str]:
    if now.state in ENDED:
        is_done = now.state is JobState.COMPLETED
        return Answer.YES if is_done else Answer.NO, f"it is {now.state.value}: no work is left to accept"
    if now.state is JobState.PAUSED:
        return Answer.NO, f"it is paused by {one_line(now.paused_by or 'somebody')}: no partition starts"
    if not workers:
        return Answer.NO, "no live worker serves it"
    if not now.total_partitions:
        return Answer.WAITING, f"{counted(workers, 'live worker')}, and nothing is planned yet"
    assert now.state in CLAIMABLE  # noqa: S101 - the states left over
    return Answer.YES, f"{counted(workers, 'live worker')}, {counted(now.running_partitions, 'partition')} in hand"


def _errors_zero(now: Progress) -> tuple[Answer, str]:
    if now.failed:
        return Answer.NO, f"{now.failed:,} of {now.done:,} records failed, {percent(now.failed, now.done)}"
    if not now.done and now.state is not JobState.COMPLETED:
        return Answer.WAITING, "no record is done yet"
    return Answer.YES, f"none of {now.done:,} records failed"


def _rate_steady(now: Progress, found: list[Item]) -> tuple[Answer, str]:
    # The first and the last one are of fewer seconds.
    whole = [one["records_per_second"] for one in found if one["seconds"] >= 60][-LOOK_BACK:]
    if len(whole) < FEWEST:
        short = "has ended" if now.state in ENDED else "has run"
        return Answer.WAITING, f"it {short} after {counted(len(whole), 'whole minute')}, {FEWEST} can be compared"
    mean, least, most = sum(whole) / len(whole), min(whole), max(whole)
    figures = f"{least:,.1f} to {most:,.1f} records a second in the last {len(whole)} whole minutes"
    if not mean:
        return Answer.NO, f"{figures}: nothing ends"
    is_steady = least >= mean * (1 - TOLERANCE) and most <= mean * (1 + TOLERANCE)
    return Answer.YES if is_steady else Answer.NO, f"{figures}, a mean of {mean:,.1f}, 25 % either way are allowed"


def _half(now: Progress) -> tuple[Answer, str]:
    figures = f"{now.done:,} of {now.matched:,} records are done"
    if not now.is_planned:
        figures = f"{now.done:,} of at least {now.matched:,} records are done, it is still being planned"
    elif now.done * 2 >= now.matched and (now.matched or now.state in ENDED):
        return Answer.YES, figures
    return Answer.NO if now.state in ENDED else Answer.WAITING, figures


def _whole(now: Progress) -> tuple[Answer, str]:
    planned = f"{now.matched:,}" if now.is_planned else f"at least {now.matched:,}"
    figures = f"{now.done:,} of {planned} records are done, and the job is {now.state.value}"
    if now.state not in ENDED:
        return Answer.WAITING, figures
    is_whole = now.state is JobState.COMPLETED and now.done == now.matched
    return Answer.YES if is_whole else Answer.NO, figures


def _no_violations(now: Progress, violations: int) -> tuple[Answer, str]:
    if violations:
        more = "at least " if violations == MOST_VIOLATIONS else ""
        return Answer.NO, f"a constraint of the table refused the values of {more}{counted(violations, 'record')}"
    if not now.done and now.state is not JobState.COMPLETED:
        return Answer.WAITING, "no record is done yet"
    return Answer.YES, f"no constraint refused any of {now.done:,} records"


def _values_checked(now: Progress) -> tuple[Answer, str]:
    if now.state not in ENDED:
        return Answer.WAITING, "the table is read once more when all partitions have ended"
    if now.state is not JobState.COMPLETED:
        return Answer.NO, f"it is {now.state.value}: the table was not read once more"
    if now.left_reasons is None:
        return Answer.WAITING, "its definition or mode gives nothing to read once more"
    left = verdict.sentence(now.left_reasons) if now.records_left else "nothing of it matches any more"
    return Answer.YES, f"the table was read once more: {left}"
