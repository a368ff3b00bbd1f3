"""Pass after pass over what still matches, until there is nothing more to gain."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from backfill import parameters
from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.errors import FailedError, GivenUpError, HaltedError, UsageError
from backfill.ledger import progress, verdict
from backfill.ledger.jobs import Request
from backfill.ledger.passes import Counted, Series
from backfill.ledger.progress import Progress
from backfill.modes import Mode
from backfill.producers import coverage, waiting
from backfill.producers.parts import Connection, Report
from backfill.settings import Settings
from backfill.states import ENDED, JobState
from backfill.texts import one_line, percent

# Does one pass to its end; None when nothing matches.
Pass = Callable[[Series], Awaitable[Progress | None]]


class Verdict(StrEnum):
    """Why there is no further pass."""

    COMPLETE = "complete"  # nothing matches
    UNCHANGED = "unchanged"  # the last pass changed nothing
    UNDONE = "undone"  # as many records match as before it
    FAILED = "failed"
    CANCELLED = "cancelled"

    @classmethod
    def of(cls, now: Progress) -> "Verdict | None":
        if now.state is JobState.FAILED:
            return cls.FAILED
        if now.state is JobState.CANCELLED:
            return cls.CANCELLED
        if not now.updated:
            return cls.UNCHANGED
        return cls.UNDONE if now.records_left >= now.matched - now.replanned else None

    def sentence(self, number: int) -> str:
        passes = f"{number} {'passes' if number != 1 else 'pass'}"
        return {
            Verdict.COMPLETE: f"Complete after {passes}: nothing matches any more.",
            Verdict.UNCHANGED: f"Ended after {passes}: the last one changed nothing.",
            Verdict.UNDONE: f"Ended after {passes}: as many records match as before the last one; others undo what is "
            "written.",
            Verdict.FAILED: f"Ended after {passes}: the last one failed.",
            Verdict.CANCELLED: f"Ended after {passes}: the last one was cancelled.",
        }[self]


class Passes:
    """Of one backfill in one mode; raises UsageError for one whose records match for ever."""

    def __init__(
        self, settings: Settings, report: Report, definition: Definition, request: Request, command: str
    ) -> None:
        if not isinstance(definition, ColumnBackfill):
            raise UsageError(f"--until-complete is for columns, and {definition.name} is none: leave it out")
        if request.mode is Mode.ALL:
            raise UsageError("--until-complete ends when nothing matches, and --mode=all matches always: leave one out")
        self._settings = settings
        self._report = report
        self._definition = definition
        self._request = request
        self._command = command
        self._last: Progress | None = None

    async def run(self, one: Pass) -> tuple[dict[str, Any], int]:
        """Pass after pass; what they came to as JSON, and the exit code."""
        series, found = Series(), None
        while found is None:
            now = await one(series)
            if now is None:
                found = Verdict.COMPLETE
                break
            self._last, series, found = now, Series(now.first_job), Verdict.of(now)
            self._report.say(
                f"Pass {now.pass_number} (job {now.job_id}) is {now.state.value}: {now.matched:,} matched, "
                f"{now.updated:,} updated, {now.unchanged:,} unchanged, {now.skipped:,} skipped, "
                f"{now.failed:,} failed, {now.deleted:,} deleted"
            )
        at_end = await waiting.until(self._settings, self._report, self._counted)
        return self._told(found, at_end), self._code(found)

    async def until_ended(self, job_id: UUID) -> Progress:
        """Wait for a pass that others work on; raises HaltedError when it waits for a correction."""
        told: set[str] = set()

        async def look(connection: Connection) -> Progress | None:
            now = await progress.read(connection, job_id)
            if now.state in ENDED:
                return now
            why = one_line(now.pause_reason or "")
            if now.needs_correction:
                raise HaltedError(
                    f"job {job_id} is paused ({why}); correct the definition or table, restart the workers, resume it "
                    f"with backfill resume {job_id}, and go on with the passes: {self.again}"
                )
            if now.state is JobState.PAUSED and why not in told:
                told.add(why)
                self._report.note(
                    f"job {job_id} is paused by {now.paused_by} ({why}); go on with: backfill resume {job_id}"
                )
            return None

        try:
            self._report.note(f"waiting until workers have ended job {job_id}")
            return await waiting.until(self._settings, self._report, look)
        except asyncio.CancelledError:
            self._report.note(f"interrupted; job {job_id} goes on with its workers, and with its passes: {self.again}")
            raise

    @property
    def again(self) -> str:
        """What goes on with the passes."""
        given = "".join(f" -P {name}=…" for name in parameters.stored(self._definition))
        return f"{self._command} {self._definition.name} --mode={self._request.mode.value}{given} --until-complete"

    async def _counted(self, connection: Connection) -> Counted:
        assert isinstance(self._definition, ColumnBackfill)  # noqa: S101 - it was looked at
        return await coverage.count(connection, self._definition, self._request.mode)

    def _told(self, found: Verdict, at_end: Counted) -> dict[str, Any]:
        last, say = self._last, self._report.say
        passes = last.passes if last is not None else []
        left = {} if last is None or found is Verdict.COMPLETE else _left(last)
        skips = last.skip_reasons if last is not None and left else {}
        before = last.coverage.before if last is not None and last.coverage is not None else at_end.covered
        say(found.sentence(len(passes)))
        if left:
            say(f"Left: {verdict.sentence(left)}")
        for reason, count in skips.items():
            say(f"  skipped {count:,}: {reason}")
        say(f"Coverage: {percent(before, at_end.in_scope)} before, now {at_end}")
        return {
            "backfill": self._definition.name,
            "mode": self._request.mode.value,
            "verdict": found.value,
            "first_job": None if last is None else str(last.first_job),
            "left_reasons": left,
            "skip_reasons": skips,
            "coverage": {
                "in_scope": at_end.in_scope,
                "before": before,
                "now": at_end.covered,
                "is_estimate": at_end.is_estimate,
            },
            "passes": passes,
        }

    def _code(self, found: Verdict) -> int:
        if found is Verdict.CANCELLED:
            return GivenUpError.exit_code
        has_failed = self._last is not None and self._last.failed > 0 and found is not Verdict.COMPLETE
        return FailedError.exit_code if found is Verdict.FAILED or has_failed else 0


def _left(last: Progress) -> dict[str, int]:
    """Why records still match; of a pass that was not swept at its end, as its own counts say."""
    if last.left_reasons is not None:
        return last.left_reasons
    found = {"failed": last.failed, "skipped": last.skipped, "not done": last.matched - last.done}
    return {reason: count for reason, count in found.items() if count}
