"""How a job went and goes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from backfill.web.models import Listed


class Failure(BaseModel):
    """A failed record."""

    id: str
    record_id: str
    partition_key: str
    error_class: str
    error_message: str | None
    attempts: int
    failed_at: datetime


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
