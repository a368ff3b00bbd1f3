"""What the sources tell at one look, all in the same terms; times are seconds since the epoch."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

MOST_POINTS: Final = 64  # of a worker's way
MOST_WORKERS: Final = 10_000
MOST_MINUTES: Final = 1_440
MOST_EXAMPLES: Final = 5
MOST_OF_A_LINE: Final = 500  # characters of an example


class Measure(StrEnum):
    """What a number is of: the columns of a query, the keys of a command's JSON, and in reports."""

    ROWS = "rows"
    ROWS_TOTAL = "rows_total"
    RANGE_START = "range_start"
    RANGE_END = "range_end"
    NEWEST = "newest"  # a time
    ZERO_VALUES = "zero_values"
    NULL_VALUES = "null_values"
    ZERO_TIMESTAMPS = "zero_timestamps"
    FILES = "files"
    FILES_TOTAL = "files_total"
    BYTES = "bytes"
    BYTES_TOTAL = "bytes_total"
    READ_ERRORS = "read_errors"
    VALIDATION_ERRORS = "validation_errors"
    CHECKSUM_ERRORS = "checksum_errors"
    CALLS = "calls"
    CALLS_TOTAL = "calls_total"  # as estimated
    LIMIT_HITS = "limit_hits"
    RETRIES = "retries"
    FAILED_RETRIES = "failed_retries"
    FREE_BYTES = "free_bytes"
    PERCENT = "percent"  # of the whole


# What is done, and of how much, in the order in which a report takes the first that was measured.
PROGRESS: Final = (
    (Measure.ROWS, Measure.ROWS_TOTAL),
    (Measure.CALLS, Measure.CALLS_TOTAL),
    (Measure.FILES, Measure.FILES_TOTAL),
    (Measure.BYTES, Measure.BYTES_TOTAL),
)

Value = int | float | str | datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read, or not be trusted: what happened with names and values, and the next step."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """How far something was at a time: percent, a position, or a count."""

    at: float
    value: float


@dataclass(slots=True)
class Worker:
    """One of several that share the work, as a log or the ledger shows it."""

    name: str
    source: str
    percent: float | None = None
    position: int | None = None
    unit: str = ""  # of the position: block, page, record
    last_at: float | None = None  # when it was last heard of
    points: list[Point] = field(default_factory=list)  # of percent where it tells that, else of position; by time
    restarts: int = 0  # how often it began again from (nearly) nothing
    backwards: int = 0  # how often its number fell otherwise
    is_finished: bool = False
    in_hand: str | None = None  # what it works on, and for how long, of the one of ours that is the slowest


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log, and where it stands: file:number, or file where its number is not known."""

    place: str
    text: str  # at most 500 characters; printed only through texts.one_line
    at: float | None = None


@dataclass(slots=True)
class Happened:
    """How often a pattern was seen, since the beginning or the time that was asked for."""

    total: int = 0
    minutes: dict[int, int] = field(default_factory=dict)  # minutes since the epoch; of lines that have a time
    examples: list[Line] = field(default_factory=list)  # the first, then the newest
    last_at: float | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine."""

    pid: int
    command: str
    started_at: float
    cpu_percent: float | None
    memory_bytes: int | None
    open_files: int | None
    folder: str | None  # where it writes, as far as that could be found out
    free_bytes: int | None  # there
    is_stopped: bool = False  # by a signal, or a zombie
    disk_bytes: int | None = None  # the size of the disk there


@dataclass(slots=True)
class Processes:
    """What was found by a name or a pid: none is dead, one is meant, of several it is not known which."""

    sought: str
    found: list[Process] = field(default_factory=list)
    is_every_one_meant: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Whether a host and port can be reached; `why_not` when they cannot."""

    address: str
    milliseconds: float | None
    why_not: str | None = None


@dataclass(slots=True)
class Job:
    """One of our own, from the ledger."""

    id: str
    backfill: str
    mode: str
    state: str  # as in the ledger
    is_planned: bool
    done: int
    matched: int
    updated: int
    failed: int
    rate_per_second: float | None
    seconds_left: float | None
    least_seconds_left: float | None
    most_seconds_left: float | None
    started_at: float | None
    completed_at: float | None
    reason: str | None  # of a pause, a cancellation or a failure
    live_workers: int
    attention: list[tuple[str, str, str]] = field(default_factory=list)  # kind, sentence, next command


@dataclass(slots=True)
class Reading:
    """What one source told at one look."""

    source: str  # "log tmp/load.log"; unique among the sources of a profile
    kind: str  # log, sql, command, process, target, job
    at: float
    seen: str = ""  # how much of it was looked at, as a phrase: "12.4 MB of 12.4 MB"
    is_whole: bool = True  # False: there is more that the next look reads
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what is worth saying and no problem: rotated, cut lines
    measures: dict[Measure, Value] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)  # units done by minute since the epoch
    points: list[Point] = field(default_factory=list)  # how many were done when, where lines of the whole say it
    groups: dict[str, int] = field(default_factory=dict)  # of a status
    workers: list[Worker] = field(default_factory=list)
    happened: dict[str, Happened] = field(default_factory=dict)  # by the name of the pattern
    newest_at: float | None = None  # of what it tells: the newest line's time, or when a file was last written
    written_at: float | None = None  # when the file was last written, by its own time; None where that is not known
    last_fatal_is_newest: bool = False  # nothing but silence behind the last fatal line
    clock_jumps: list[str] = field(default_factory=list)  # a sentence each
    processes: Processes | None = None
    target: Target | None = None
    job: Job | None = None
    files: list[str] = field(default_factory=list)  # that were read, under their real names


Remembered = dict[str, Any]  # of JSON; what a source wants to know at the next look
