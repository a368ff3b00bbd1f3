"""Partitions of a job, one by one and as a map."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel


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
