"""All that there is to judge by: the profile, what the sources told, and how fast it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backfill.monitor.amounts import clock, foreign, numeric, span
from backfill.monitor.moves import AHEAD
from backfill.monitor.pace import Pace
from backfill.monitor.profile import Profile
from backfill.monitor.progress import trusted
from backfill.monitor.readings import MOST_EXAMPLES, Happened, Job, Line, Measure, Process, Processes, Reading
from backfill.monitor.report import Kind
from backfill.texts import one_line

MOST_OF_A_LINE: Final = 300
SILENCE: Final = 60.0  # seconds after which nobody is left to speak: behind a fatal line, or of what is gone


@dataclass(frozen=True, slots=True)
class Case:
    """One look; times are seconds since the epoch."""

    profile: Profile
    readings: Sequence[Reading]
    pace: Pace
    kind: Kind
    now: float
    since: float | None = None  # what is older was not looked at

    @property
    def jobs(self) -> list[Job]:
        return [one.job for one in trusted(self.readings) if one.job is not None]

    @property
    def sought(self) -> list[Processes]:
        """What came of looking for processes; what could not be looked at is not among it."""
        return [one.processes for one in self.readings if one.processes is not None]

    @property
    def alive(self) -> list[Process]:
        """Those that are meant, for sure."""
        return [
            process for one in self.sought if len(one.found) == 1 or one.is_every_one_meant for process in one.found
        ]

    @property
    def gone(self) -> list[Processes]:
        return [one for one in self.sought if not one.found]

    def notes_on(self, sought: Processes) -> list[str]:
        """What the source that looked for it had to say, such as the pid."""
        return [note for one in self.readings if one.processes is sought for note in one.notes]

    @property
    def quiet_seconds(self) -> float | None:
        """How long it is known not to have moved; None where that is not known."""
        if self.pace.moved_at is not None:
            return max(self.now - self.pace.moved_at, 0.0)
        if self.pace.still_since is not None:
            return max(self.now - self.pace.still_since, 0.0)
        return None

    @property
    def heard_at(self) -> float | None:
        """When a log was last written, by its lines; a time that is yet to come is none of this clock."""
        times = [numeric(one.newest_at) for one in self.readings if one.kind == "log"]
        return max((at for at in times if at is not None and at <= self.now + AHEAD), default=None)

    @property
    def written_at(self) -> float | None:
        """The same by the files' own times."""
        return max((at for one in self.readings if (at := numeric(one.written_at))), default=None)

    @property
    def behind_seconds(self) -> float | None:
        """By how much the lines of what is written right now are behind; None where they are not, by far."""
        if self.written_at is None or self.heard_at is None or self.now - self.written_at > self.profile.stuck_after:
            return None
        behind = self.written_at - self.heard_at
        return behind if behind > self.profile.stuck_after else None

    @property
    def silent_seconds(self) -> float | None:
        """How long no log has said anything."""
        return None if self.heard_at is None else max(self.now - self.heard_at, 0.0)

    @property
    def is_heard(self) -> bool:
        """Whether there was a sign of life just now: a line, or a move."""
        seconds = [one for one in (self.quiet_seconds, self.silent_seconds) if one is not None]
        return min(seconds, default=SILENCE) < SILENCE

    def happened(self, name: str) -> Happened:
        """How often a pattern was seen, in all logs together."""
        whole = Happened()
        for one in self.readings:
            if (found := one.happened.get(name)) is not None:
                whole.total += max(found.total, 0)
                for minute, count in found.minutes.items():
                    whole.minutes[minute] = whole.minutes.get(minute, 0) + count
                whole.examples.extend(found.examples)
                times = [at for at in (whole.last_at, numeric(found.last_at)) if at is not None]
                whole.last_at = max(times, default=None)
        whole.examples = whole.examples[:MOST_EXAMPLES]
        return whole

    def last_hour(self, happened: Happened) -> int | None:
        """How often in the last hour that the logs tell of; None where their lines have no times."""
        if happened.total and not happened.minutes:
            return None
        end = int(min(self.heard_at or self.now, self.now) // 60)
        return sum(count for minute, count in happened.minutes.items() if end - 60 < minute <= end)

    def is_past(self, happened: Happened) -> bool:
        """Whether it has gone on well since: progress later than a minute after it was last seen."""
        moved = self.pace.moved_at
        return moved is not None and happened.last_at is not None and moved > happened.last_at + 60

    def measure(self, measure: Measure) -> float | None:
        """What the source that knows best measured."""
        return self.pace.measures.get(measure)

    def at(self, at: float | None) -> str:
        return clock(at, self.now)

    def ago(self, at: float) -> str:
        return "just now" if self.now - at < 1 else f"{span(self.now - at)} ago"


def absent(sought: Processes) -> str:
    """That nothing was found; what is sought may be words, a pid, or "of" a file."""
    what = foreign(sought.sought, 100)
    if what.startswith("pid "):
        return f"there is no process with {what}"
    return f"the process {what} is gone" if what.startswith("of ") else f"no process matches {what}"


def is_of_pid(sought: Processes) -> bool:
    """Whether it was named by its pid, or by a file that holds it, rather than by words."""
    return sought.sought.startswith(("pid ", "of "))


def ends(happened: Happened) -> list[Line]:
    """The first of its lines, and the newest."""
    return [*happened.examples[:1], *happened.examples[1:][-1:]]


def quoted(line: Line) -> str:
    """A line of a log with its place."""
    return f"{one_line(line.place, 200)}: {one_line(line.text, MOST_OF_A_LINE)}"


def described(process: Process, now: float) -> str:
    """A process in a line: its pid, since when, what it uses, and what it is."""
    parts = [f"pid {process.pid}"]
    if process.is_stopped:
        parts.append("stopped by a signal, or a zombie")
    parts.append(f"up for {span(now - process.started_at)}")
    if process.cpu_percent is not None:
        parts.append(f"CPU {process.cpu_percent:.0f} %")
    return f"{', '.join(parts)}: {foreign(process.command, 120)}"
