"""What a call from Python comes to: a result, or an error for what did not work out."""

from dataclasses import dataclass
from uuid import UUID

from backfill.errors import BackfillError, FailedError, GivenUpError, HaltedError
from backfill.ledger.progress import Progress
from backfill.states import JobState
from backfill.texts import one_line


@dataclass(frozen=True)
class Result:
    """A job that was queued, or run to its end."""

    id: UUID | None  # None: no record matched, and no job was opened
    queued: int  # records, by this call
    warnings: tuple[str, ...]
    progress: Progress | None = None  # of a job that was run, at its end


def trouble(now: Progress) -> BackfillError | None:
    """What keeps a job from being done well, as the exit codes of `backfill wait` tell it."""
    about = f"job {now.job_id} of {now.backfill}"
    if now.needs_correction:
        return HaltedError(
            f"{about} is paused ({one_line(now.pause_reason or 'no reason given')}): correct its definition or table, "
            f"then: backfill resume {now.job_id}"
        )
    if now.state is JobState.CANCELLED:
        return GivenUpError(
            f"{about} was cancelled after {now.done:,} of {now.matched:,} records; see: backfill events"
        )
    if now.state is JobState.FAILED:
        why = one_line(now.error_message or "no reason given")
        return FailedError(f"{about} failed ({why}); see: backfill failures {now.job_id}")
    if now.failed:
        return FailedError(
            f"{now.failed:,} of {now.matched:,} records of {about} failed; see: backfill failures {now.job_id}"
        )
    return None
