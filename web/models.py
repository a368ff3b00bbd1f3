"""The bodies of answers as the description of the API has them; fields are those of `status --json`."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from backfill.ledger.progress import Progress

Item = TypeVar("Item")


class Problem(BaseModel):
    """RFC 9457: what went wrong, and what to do."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What happened, and the next step.")
    exit_code: int | None = Field(description="What the command of the same purpose ends with.")
    allowed: list[str] | None = Field(None, description="States that the job may go to, of a 409.")
    errors: list[dict[str, str]] | None = Field(None, description="Each wrong part of the request, of a 422.")
    service: str | None = Field(None, description="database or broker, of a 503.")


class Listed(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="What to give as cursor for the next page; null: there is none.")


class SessionView(BaseModel):
    """Who asks."""

    name: str
    role: str = Field(description="read or operate")
    tenant: str
    version: str
    has_monitor: bool = Field(description="Whether the server was given profiles of the monitor.")


class JobRow(BaseModel):
    """A job as lists have it."""

    job: str
    backfill: str
    mode: str
    state: str
    priority: str
    is_planned: bool
    matched: int
    done: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
    total_partitions: int
    completed_partitions: int
    failed_partitions: int
    skipped_partitions: int
    rate: float | None
    seconds_left: float | None
    earliest_completion_at: datetime | None
    estimated_completion_at: datetime | None
    latest_completion_at: datetime | None
    sla_deadline_at: datetime | None
    sla: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    state_since: datetime | None
    heartbeat_at: datetime | None
    pass_number: int | None
    first_job: str | None
    error_message: str | None
    pause_reason: str | None


def _job_fields() -> dict[str, Any]:
    hints = get_type_hints(Progress)
    found = {one.name: (hints[one.name], ...) for one in fields(Progress) if one.name != "job_id"}
    return {"job": (str, ...), **found, "done": (int, ...)}


ACTIONS: Final = "pause, resume, cancel, retry, reset-stuck, delete, patch: what is allowed now"
Job = create_model(
    "Job",
    __doc__="A job with its numbers, as `backfill status --json` prints it.",
    __config__=ConfigDict(use_enum_values=True),
    **_job_fields(),
    allowed=(list[str], Field(description=ACTIONS)),
    read_at=(datetime, ...),
)


class Partition(BaseModel):
    """A partition of a job."""

    partition_key: str
    state: str
    attempt_count: int
    record_count: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
    duration_ms: float | None
    worker: str | None
    host: str | None
    pid: int | None
    started_at: datetime | None
    completed_at: datetime | None
    not_before: datetime | None
    held_since: datetime | None
    held_reason: str | None
    error_message: str | None


class Failure(BaseModel):
    """A failed record."""

    id: str
    record_id: str
    partition_key: str
    error_class: str
    error_message: str | None
    attempts: int
    failed_at: datetime


class WholePartition(Partition):
    """The same with its records."""

    record_ids: list[str]
    remaining_ids: list[str] | None
    failures: list[dict[str, Any]]


class Cell(BaseModel):
    """Neighbouring partitions of a job."""

    first_key: str
    last_key: str
    partitions: int
    pending: int
    running: int
    completed: int
    failed: int
    skipped: int
    held: int


class Map(BaseModel):
    """All partitions in order of work."""

    cells: list[Cell]
    partitions: int


class Group(BaseModel):
    """Failed records of one kind."""

    error_class: str
    message: str
    failed: int
    sample: list[str]


class Groups(Listed[Group]):
    """Failed records by what went wrong."""

    looked_at: int = Field(description="The newest failed records of the job, which are grouped.")
    is_cut: bool = Field(description="Whether it has more than those, or these are not all groups.")


class Event(BaseModel):
    """What was done."""

    id: str
    job: str | None
    at: datetime
    event: str
    actor: str
    login: str | None
    from_state: str | None
    to_state: str | None
    reason: str | None
    details: dict[str, Any]


class Minute(BaseModel):
    """What ended within a minute."""

    minute: datetime
    partitions: int
    records: int
    records_per_second: float
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int


class Minutes(Listed[Minute]):
    """Minutes, and the changes of settings meanwhile."""

    changes: list[dict[str, Any]]


class Check(BaseModel):
    """A line of the list."""

    name: str
    state: str = Field(description="yes, no or waiting")
    text: str


Checklist = Listed[Check]


class JobWorker(BaseModel):
    """A worker, and what it has in hand of a job."""

    worker: str
    host: str
    pid: int
    state: str = Field(description="running or stopping")
    heartbeat_age_seconds: float
    cpu_percent: float | None
    memory_bytes: int | None
    partition: str | None = Field(description="The one that it has had in hand for longest.")
    partition_seconds: float | None = Field(description="In this attempt.")
    partitions: int
    updated: int
    is_slowest: bool
    rate: float | None


class Percent(BaseModel):
    """How far it is."""

    current: int
    total: int
    percent: float


class TaskStatus(BaseModel):
    """A job in the words of task queues."""

    state: str = Field(description="PENDING, STARTED, PROGRESS, SUCCESS, FAILURE, RETRY or REVOKED")
    progress: Percent
    ready: bool
    result: dict[str, Any] | None = Field(description="What the definition's `finish` has returned.")
    error: str | None
    job: str
    job_state: str


class Parameter(BaseModel):
    """A parameter of a definition."""

    name: str
    type: str
    default: Any
    is_required: bool
    description: str | None


class TableCoverage(BaseModel):
    """How much of a table has a value."""

    backfill: str
    job: str | None = Field(description="The job that counted; null: counted now.")
    in_scope: int
    before: int | None
    covered: int
    projected: int | None
    is_estimate: bool
    at: datetime


class Backfill(BaseModel):
    """A definition of the app."""

    name: str
    table: str | None
    key: list[str]
    columns: list[str]
    target: str | None
    writes: list[str]
    modes: list[str]
    refusals: dict[str, str]
    parameters: list[Parameter]
    reads: list[str]
    coverage: TableCoverage | None
    last_success: dict[str, Any] | None


class Backfills(Listed[Backfill]):
    """The definitions of the app."""

    why_none: str | None


class Worker(BaseModel):
    """A worker, as `backfill workers --json` prints it."""

    model_config = ConfigDict(extra="allow")

    id: str
    host: str
    pid: int
    state: str
    backfills: list[str]
    heartbeat_age_seconds: float
    counts: dict[str, int]
    holds: list[dict[str, Any]]


class Queue(BaseModel):
    """The queues of a backfill, as `backfill queues --json` prints them."""

    backfill: str
    ready: dict[str, int]
    unacknowledged: int | None
    consumers: dict[str, int]
    delayed: dict[str, int]
    dead: int | None
    minutes: list[dict[str, Any]]


class Queues(Listed[Queue]):
    """All queues of the tenant."""

    source: str = Field(alias="from", description="management or amqp")
    error: str | None = Field(description="Why the management API has told nothing, where it is set.")


class Dead(BaseModel):
    """A dead message, as `backfill dead list --json` prints it."""

    id: str
    backfill: str
    job: str | None
    partition: str | None
    why: str
    since: datetime | None
    size: int


class Server(BaseModel):
    """Whoever answers."""

    version: str
    started_at: datetime
    tenant: str
    now: datetime
    database: str = Field(description="up, or why it is not")
    broker: str = Field(description="up, none where none was set, or why it is not up")


class Overview(BaseModel):
    """Everything at one look."""

    jobs: dict[str, int]
    active: list[JobRow]
    attention: list[dict[str, Any]]
    workers: dict[str, Any]
    last_success: list[dict[str, Any]]
    depths: list[dict[str, Any]]
    server: Server
    read_at: datetime | None
