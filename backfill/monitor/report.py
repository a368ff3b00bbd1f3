"""What is to be said of a backfill: verdict first, then evidence, then what to do. The object of `--json`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Shown = int | float | str | bool | None


class State(StrEnum):
    """What the backfill does."""

    RUNNING = "running"
    FINISHED = "finished"
    PAUSED = "paused"  # by somebody's wish: our own jobs only
    SLOW = "slow"
    STUCK = "stuck"  # no progress while alive
    DEAD = "dead"  # gone before it was complete
    UNKNOWN = "unknown"


class Level(StrEnum):
    """How bad it is; with `--check` the exit codes 0 to 3 of Nagios."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """The shape of a report."""

    DATABASE = "database"
    FILES = "files"
    API = "api"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was judged; `evidence` are the numbers and lines that it is judged by."""

    name: str  # of verdicts.NAMES
    level: Level
    text: str
    evidence: list[str] = field(default_factory=list)
    next: str | None = None  # what to do, as a sentence or a command


@dataclass(frozen=True, slots=True)
class Stat:
    """One number: `value` for programs, `text` for people."""

    name: str
    label: str
    value: Shown
    text: str


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """Workers that stand alike: "0-7 finished", "8-15 at 61.2 to 84.0 %"."""

    names: list[str]
    text: str
    is_finished: bool
    lowest: float | None
    highest: float | None
    unit: str  # percent, or of a position


@dataclass(frozen=True, slots=True)
class Error:
    """How often one kind of error was seen; `target` is what it may be at most, where there is such a number."""

    name: str  # of the pattern
    label: str
    total: int
    last_hour: int | None
    target: str | None
    is_within: bool
    examples: list[dict[str, str]] = field(default_factory=list)  # place, text


@dataclass(frozen=True, slots=True)
class Quality:
    """One check of the data: a share of what there is, and how much of it may be so."""

    name: str
    label: str
    count: int
    of: int | None
    share: float | None
    limit: float | None
    is_within: bool


@dataclass(frozen=True, slots=True)
class Eta:
    """When it may be done: from the slowest worker, from the overall rate, and the range that both give."""

    by_slowest_at: datetime | None
    by_overall_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    bottleneck: str | None  # "worker 9: 61.2 %, 0.4 % a minute"
    text: str  # the same for people, or why it is not known


@dataclass(frozen=True, slots=True)
class Seen:
    """A source, and what came of looking at it."""

    name: str
    kind: str
    text: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything; the same object for Markdown, the terminal, JSON, HTML and the page."""

    title: str
    profile: str | None
    kind: Kind
    state: State
    level: Level
    headline: str
    at: datetime
    since: datetime | None
    findings: list[Finding]  # the worst first
    stats: list[Stat]
    workers: list[WorkerGroup]
    slowest: str | None
    errors: list[Error]
    quality: list[Quality]
    eta: Eta
    minutes: list[dict[str, Any]]  # minute, count: the last 60, the oldest first
    groups: list[dict[str, Any]]  # name, count
    sources: list[Seen]
    next: list[str]  # what to do, the most urgent first
