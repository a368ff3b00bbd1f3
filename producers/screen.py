"""What `backfill-queue` shows: lines, or a bar for people on a terminal."""

import os
import sys
from types import TracebackType
from typing import Any, Self

import click

from backfill import log
from backfill.console import is_terminal, note, shown


class Screen:
    """Progress of one job's queueing; silent when only JSON is wanted."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._bar: Any = None
        self._task: Any = None
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
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("Queued batch {task.fields[batch]:,}"),
                BarColumn(),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f} - {task.percentage:.1f}%"),
                TimeRemainingColumn(),
            )
            self._task = self._bar.add_task("queue", total=expected, completed=queued, batch=0)
            self._bar.start()

    def batch(self, partition_key: str, records: int) -> None:
        self._records += records
        number = int(partition_key)
        # The count was taken before the plan: an application that goes on inserting may exceed it.
        expected = max(self._expected, self._records)
        if self._bar is not None:
            self._bar.update(self._task, completed=self._records, total=expected, batch=number)
        else:
            share = 100 * self._records / expected
            with log.having(partition=partition_key):
                self._print(f"Queued batch {number:,} ({self._records:,}/{expected:,} - {share:.1f}%)")

    def _print(self, text: str) -> None:
        line = None if self._silent else log.line(text)
        if line is None:
            return
        try:
            click.echo(line if log.is_json() else shown(line, sys.stdout))
        except BrokenPipeError:
            # The reader has gone (`| head`). A job queued by half would be worse than lines that nobody reads.
            self._silent = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def _end_bar(self) -> None:
        """Leave the bar as it is: what is printed next gets lines of its own."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()
