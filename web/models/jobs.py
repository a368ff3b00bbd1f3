"""Jobs as `backfill status --json` prints them."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from backfill.ledger.progress import Progress


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
