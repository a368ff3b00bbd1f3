"""How far a job is: one query, from committed rows; the same numbers wherever they are shown."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from backfill import parameters, statements
from backfill.database import Connection
from backfill.ledger import jobs
from backfill.ledger.jobs import Row
from backfill.ledger.passes import Counted, Coverage
from backfill.states import OUTCOMES, JobState, PauseCause

LOOK_BACK_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Progress:
    """A job's numbers at one moment; of records unless the name says partitions."""

    job_id: UUID
    backfill: str
    mode: str
    state: JobState
    priority: str
    parameters: dict[str, Any]
    definition_hash: str
    is_planned: bool
    is_left: bool  # by its producer, before it was planned whole; somebody has to go on
    total_partitions: int
    completed_partitions: int
    failed_partitions: int
    skipped_partitions: int
    running_partitions: int
    waiting_partitions: int
    next_retry_at: datetime | None
    held_partitions: int  # that wait for somebody's lock, or for a limit
    held_since: datetime | None  # the one that has waited for longest, and for whom
    held_reason: str | None
    matched: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
    calls_made: int  # to a service, and of those the ones that it refused
    calls_refused: int
    retried_recovered: int  # done after an earlier try that failed
    retried_failed: int  # failed at last, after several tries
    replanned: int  # of those matched: planned again, since somebody had undone them
    records_left: int  # that still match, as the last closing sweep counted
    left_reasons: dict[str, int] | None  # why, each with its number; None: not counted, or not yet
    skip_reasons: dict[str, int]
    rate: float | None  # records a second over the last minute, over the whole of an ended job, None while paused
    avg_partition_duration_ms: float | None
    estimated_completion_at: datetime | None  # at the mean rate of the last minutes
    earliest_completion_at: datetime | None  # p10 of the time left
    latest_completion_at: datetime | None  # p90 of the time left
    seconds_left: float | None
    sla_deadline_at: datetime | None
    sla: str | None  # on_time, at_risk or breached; None without a deadline
    max_workers: int | None
    pause_ms: int
    parent_job: UUID | None
    pass_number: int | None  # of several over what still matched; None: a job by itself
    first_job: UUID | None  # of the passes
    passes: list[dict[str, Any]]  # all of them so far
    coverage: Coverage | None  # how much of the table has a value; None: not counted, or the work is no column
    version: int
    created_at: datetime
    started_at: datetime | None
    paused_at: datetime | None
    completed_at: datetime | None
    heartbeat_at: datetime | None
    checkpoint_partition_key: str | None
    error_message: str | None
    pause_reason: str | None  # while it is paused
    pause_cause: str | None  # the same: all, definition, or None when it was paused for itself
    paused_by: str | None  # the same: who
    created_by: str
    result: dict[str, Any] | None  # what the definition said when the job was completed
    state_since: datetime | None

    @property
    def done(self) -> int:
        return sum(getattr(self, outcome) for outcome in OUTCOMES)

    @property
    def share(self) -> float:
        """Of the records that are planned so far, the part that has ended; never above 1."""
        return self.done / self.matched if self.matched else float(self.state is JobState.COMPLETED)

    @property
    def needs_correction(self) -> bool:
        """Whether a worker has paused it, and every partition would fail alike."""
        return self.pause_cause == PauseCause.DEFINITION

    def as_json(self) -> dict[str, Any]:
        """The documented object of `--json`."""
        fields = asdict(self)
        return {
            "job": str(fields.pop("job_id")),
            **fields,
            "parent_job": str(self.parent_job) if self.parent_job else None,
            "first_job": str(self.first_job) if self.first_job else None,
            "done": self.done,
        }


@dataclass(frozen=True)
class WorkerView:
    """A live worker and what it has in hand of a job."""

    host: str
    pid: int
    heartbeat_age_seconds: float
    cpu_percent: float | None  # of one core; None: not known
    memory_bytes: int | None
    partitions: int
    first_partition: str | None
    longest_seconds: float | None
    updated: int


async def read(connection: Connection, job_id: UUID) -> Progress:
    """The job's progress; raises NotFoundError."""
    row: Row | None = await connection.fetchrow(statements.read("ledger/progress/read"), job_id, LOOK_BACK_SECONDS)
    if row is None:
        raise jobs.missing(job_id)
    found = dict(row)
    found["coverage"] = _coverage(found)
    return Progress(
        **found
        | {
            "state": JobState(row["state"]),
            **{name: parameters.decoded(row[name]) for name in ("parameters", "skip_reasons")},
            **{name: row[name] and parameters.decoded(row[name]) for name in ("result", "left_reasons")},
            "passes": json.loads(row["passes"] or "[]"),
        }
    )


def _coverage(found: dict[str, Any]) -> Coverage | None:
    """Of a column; takes what it is made of out of what was read."""
    names = ("scope_records", "scope_covered", "scope_is_estimate", "first_covered")
    in_scope, covered, is_estimate, before = (found.pop(name) for name in names)
    if in_scope is None:
        return None
    counts = {name: found[name] for name in ("matched", "replanned", *OUTCOMES)}
    is_swept = found["completed_at"] is not None and found["left_reasons"] is not None
    counted = Counted(in_scope, covered, is_estimate)
    left = found["records_left"] if is_swept else None
    return Coverage.of(counted, covered if before is None else before, counts, left=left)


async def workers(connection: Connection, now: Progress) -> list[WorkerView]:
    """Live workers of the job's backfill; the slowest has the longest partition in hand."""
    rows = await connection.fetch(statements.read("ledger/progress/workers"), now.backfill, now.job_id)
    return [WorkerView(**row) for row in rows]
