"""What `backfill run` shows while it goes on: lines, or one line for people on a terminal."""

from typing import TYPE_CHECKING, Self

from backfill import console, drawing, log
from backfill.commands.report import how_to_go_on
from backfill.console import is_terminal
from backfill.states import JobState
from backfill.texts import duration, one_line

if TYPE_CHECKING:
    from backfill.ledger.progress import Progress

OFTEN = 10_000  # records a line of the worker's, as `backfill-worker` has it
NEVER = 1_000_000_000_000


class Live:
    """A report of planning and of working; with `silent` only what goes to stderr is left."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._draws = is_terminal() and not silent and not log.is_json()
        self._bar: drawing.Bar | None = None
        self._is_told = False

    @property
    def stats_interval(self) -> int:
        """Where nothing is drawn, the worker's own lines tell how it goes."""
        return NEVER if self._draws or self._silent else OFTEN

    def say(self, text: str) -> None:
        self._end_bar()
        if not self._silent:
            console.say(text)
        elif log.weighed(text)[0] >= log.Level.WARNING:
            console.note(text)

    def warn(self, text: str) -> None:
        self._end_bar()
        console.note(f"warning: {text}")

    def note(self, text: str) -> None:
        self._end_bar()
        console.note(text)

    def begin(self, expected: int, queued: int) -> None:
        """The ledger tells how it goes."""

    def batch(self, partition_key: str, records: int) -> None:
        """The same."""

    def look(self, now: "Progress") -> None:
        """Draw how the job stands; say once why it stands still."""
        is_paused = now.state is JobState.PAUSED and not now.needs_correction
        if is_paused and not self._is_told:
            why = f" ({one_line(now.pause_reason)})" if now.pause_reason else ""
            self.note(f"job {now.job_id} is paused by {now.paused_by}{why}; {how_to_go_on(now)}")
        self._is_told = is_paused
        if self._draws:
            self._draw(now)

    def _draw(self, now: "Progress") -> None:
        if self._bar is None:
            self._bar = drawing.Bar(
                "{task.fields[state]}",
                "{task.completed:,.0f}/{task.total:,.0f} - {task.percentage:.1f}%{task.fields[more]}",
                stays=False,
                state=now.state.value,
                more="",
            )
        left = f" | {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        planning = "" if now.is_planned else ", still planning"
        self._bar.update(
            completed=now.done,
            total=max(now.matched, 1),
            state=now.state.value,
            more=f"{planning} | {now.rate or 0:,.0f}/sec | Failed: {now.failed:,}{left}",
        )

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.end()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_bar()
