"""A job in the words of task queues; docs/api.md has the table."""

from enum import StrEnum
from typing import Any

from backfill.ledger.progress import Progress
from backfill.states import ENDED, JobState


class Status(StrEnum):
    PENDING = "PENDING"
    STARTED = "STARTED"
    PROGRESS = "PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    RETRY = "RETRY"
    REVOKED = "REVOKED"


def status(job: Progress) -> dict[str, Any]:
    """The documented object."""
    is_ready = job.state in ENDED
    return {
        "state": of(job).value,
        "progress": {"current": job.done, "total": job.matched, "percent": round(100 * job.share, 2)},
        "ready": is_ready,
        "result": job.result,
        "error": _error(job) if is_ready else None,
        "job": str(job.job_id),
        "job_state": job.state.value,
    }


def of(job: Progress) -> Status:
    """The word for it; as `backfill wait` ends, a completed job with failed records is a failure."""
    match job.state:
        case JobState.COMPLETED:
            return Status.FAILURE if job.failed else Status.SUCCESS
        case JobState.FAILED:
            return Status.FAILURE
        case JobState.CANCELLED:
            return Status.REVOKED
        case JobState.PENDING:
            return Status.PENDING
    open_partitions = job.total_partitions - job.completed_partitions - job.failed_partitions - job.skipped_partitions
    if job.state is JobState.RUNNING and job.waiting_partitions and job.waiting_partitions == open_partitions:
        return Status.RETRY
    return Status.PROGRESS if job.done else Status.STARTED


def _error(job: Progress) -> str | None:
    if job.state is JobState.COMPLETED:
        return f"{job.failed:,} of {job.matched:,} records failed" if job.failed else None
    return job.error_message or f"the job was {job.state.value}"
