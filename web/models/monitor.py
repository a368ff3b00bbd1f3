"""A report of the monitor as the API and `backfill monitor --json` have it; docs/monitor.md says what it means."""

from datetime import datetime

from pydantic import BaseModel, Field

from backfill.monitor.report import Kind, Level, Shown, State

# The dataclasses themselves would be described otherwise: what has a default there as what may be missing here, minutes
# and groups as any objects, and under names that others have here, such as Group and Minute.


class MonitorFinding(BaseModel):
    """One thing that was judged."""

    name: str
    level: Level
    text: str
    evidence: list[str]
    next: str | None


class MonitorStat(BaseModel):
    """One number: `value` for programs, `text` for people; where a range begins and ends is a text in both."""

    name: str
    label: str
    value: Shown
    text: str


class MonitorWorkers(BaseModel):
    """Workers that stand alike."""

    names: list[str]
    text: str
    is_finished: bool
    lowest: float | None
    highest: float | None
    unit: str


class MonitorExample(BaseModel):
    """A line of a log, and where it stands."""

    place: str
    text: str


class MonitorError(BaseModel):
    """How often one kind of error was seen."""

    name: str
    label: str
    total: int
    last_hour: int | None
    target: str | None = Field(description="What it may be at most.")
    is_within: bool
    examples: list[MonitorExample]


class MonitorQuality(BaseModel):
    """One check of the data; shares are percent."""

    name: str
    label: str
    count: int
    of: int | None
    share: float | None
    limit: float | None
    is_within: bool


class MonitorEta(BaseModel):
    """When it may be done."""

    by_slowest_at: datetime | None
    by_overall_at: datetime | None
    earliest_at: datetime | None
    latest_at: datetime | None
    bottleneck: str | None
    text: str


class MonitorMinute(BaseModel):
    """What was done in a minute."""

    minute: datetime
    count: int


class MonitorGroup(BaseModel):
    """How many have a status."""

    name: str
    count: int


class MonitorSource(BaseModel):
    """A source, and what came of looking at it."""

    name: str
    kind: str
    text: str
    problems: list[str]
    notes: list[str]


class MonitorReport(BaseModel):
    """One backfill as `backfill monitor --json` prints it."""

    title: str
    profile: str | None
    kind: Kind
    state: State
    level: Level
    headline: str
    at: datetime = Field(description="When it was looked at.")
    since: datetime | None = Field(description="What is older does not count.")
    findings: list[MonitorFinding] = Field(description="The worst first.")
    stats: list[MonitorStat]
    workers: list[MonitorWorkers]
    slowest: str | None
    errors: list[MonitorError]
    quality: list[MonitorQuality]
    eta: MonitorEta
    minutes: list[MonitorMinute] = Field(description="The last 60, the oldest first.")
    groups: list[MonitorGroup]
    sources: list[MonitorSource]
    next: list[str] = Field(description="What to do, the most urgent first.")


class MonitorView(MonitorReport):
    """The same, with how old it is."""

    name: str
    age_seconds: float


class MonitorRow(BaseModel):
    """A profile as the list has it; without a report before the first look has ended."""

    name: str
    title: str
    state: State | None
    level: Level | None
    headline: str | None
    at: datetime | None
    age_seconds: float | None
