"""What `backfill-queue` shows: lines, or a bar for people on a terminal."""

from types import TracebackType
from typing import Self

from backfill import door, drawing, log
from backfill.console import is_terminal, note


class Screen:
    """Progress of one job's queueing; silent when only JSON is wanted."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._bar: drawing.Bar | None = None
        self._expected = 0
        self._records = 0

    def say(self, text: str) -> None:
        self._end_bar()
        self._print(text)

    def warn(self, text: str) -> None:
        self._end_bar()
        note(f"warning: {text}")

    def note(self, text: str) -> None:
        self._end_bar()
        note(text)

    def begin(self, expected: int, queued: int) -> None:
        """`expected` records in all, of which `queued` were queued before this run."""
        self._expected = expected
        self._records = queued
        if is_terminal() and not self._silent and not log.is_json():
            self._bar = drawing.Bar(
                "Queued batch {task.fields[batch]:,}",
                "{task.completed:,.0f}/{task.total:,.0f} - {task.percentage:.1f}%",
                has_clock=True,
                total=expected,
                completed=queued,
                batch=0,
            )

    def batch(self, partition_key: str, records: int) -> None:
        self._records += records
        number = int(partition_key)
        # The count was taken before the plan: an application that goes on inserting may exceed it.
        expected = max(self._expected, self._records)
        if self._bar is not None:
            self._bar.update(completed=self._records, total=expected, batch=number)
        else:
            share = 100 * self._records / expected
            with log.having(partition=partition_key):
                self._print(f"Queued batch {number:,} ({self._records:,}/{expected:,} - {share:.1f}%)")

    def _print(self, text: str) -> None:
        if self._silent:
            return
        try:
            door.logged(text, log.Level.INFO)
        except BrokenPipeError:
            # The reader has gone (`| head`). A job queued by half would be worse than lines that nobody reads.
            self._silent = True
            door.silence()

    def _end_bar(self) -> None:
        """Leave the bar as it is: what is printed next gets lines of its own."""
        if self._bar is not None:
            self._bar.end()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()
