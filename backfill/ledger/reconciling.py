"""Find what the broker has lost and what has ended; one leader a backfill, by a lease row."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from backfill import statements
from backfill.catalog import Target
from backfill.database import Connection
from backfill.ledger import jobs, sweeping, verdict
from backfill.ledger.job import Job, PlannedPartition, RolledUp
from backfill.ledger.sweeping import Swept
from backfill.modes import Priority
from backfill.states import JobState
from backfill.texts import clean


@dataclass(frozen=True)
class Ended:
    """A job that was completed or failed just now."""

    job_id: UUID
    state: JobState
    left: dict[str, int]  # why records still match, each with its number

    def __str__(self) -> str:
        return f"Job {self.job_id} {self.state.value}." + (f" {verdict.sentence(self.left)}." if self.left else "")


async def lead(connection: Connection, backfill: str, worker: UUID, seconds: float) -> bool:
    """Take or keep the lead over a backfill's reconciling."""
    return (
        await connection.fetchval(statements.read("ledger/reconciling/lead"), f"reconciler/{backfill}", worker, seconds)
        is not None
    )


async def leave(connection: Connection, backfill: str, worker: UUID) -> None:
    await connection.execute(statements.read("ledger/reconciling/leave"), f"reconciler/{backfill}", worker)


async def free_expired(connection: Connection, backfill: str, worker: UUID, lease_seconds: float) -> int:
    """Make partitions pending whose lease has ended, to be published again; returns how many."""
    freed = await connection.fetch(
        statements.read("ledger/reconciling/free_expired"), [backfill], worker, lease_seconds
    )
    return len(freed)


async def lost(
    connection: Connection, backfill: str, priority: Priority, *, ready: int | None, grace_seconds: float, most: int
) -> list[PlannedPartition]:
    """Partitions to publish again: what the ledger expects in the queue, less what the broker has there.

    `ready` is the queue's depth, None to look only for those that were never published. While it is not empty, live
    workers may hold up to their prefetch besides; an empty queue leaves no doubt, and a needless message is only a
    claim that finds nothing.
    """
    missing = 0
    if ready is not None:
        missing = await _missing(connection, backfill, priority, ready, grace_seconds)
    rows = await connection.fetch(
        statements.read("ledger/reconciling/lost"), backfill, priority.value, grace_seconds, missing, most
    )
    return [PlannedPartition(**row) for row in rows]


async def _missing(connection: Connection, backfill: str, priority: Priority, ready: int, grace_seconds: float) -> int:
    held = 0
    if ready:
        held = await connection.fetchval(statements.read("ledger/reconciling/count_prefetched"), backfill)
    # Of a job that goes well this says it at once; the other one reads every partition that waits.
    most: int = await connection.fetchval(statements.read("ledger/reconciling/count_open"), backfill, priority.value)
    if most <= ready + held:
        return 0
    expected: int = await connection.fetchval(
        statements.read("ledger/reconciling/count_expected"), backfill, priority.value, grace_seconds
    )
    return max(0, expected - ready - held)


async def close(
    connection: Connection,
    target: Target | None,
    job: Job,
    finish: Callable[[], Awaitable[str | None]],
    *,
    rows: int,
    failed_share: float,
    failed_minimum: int,
) -> Ended | Swept | None:
    """End a job whose partitions have all ended, or do one span of its closing sweep; to be called in a transaction.

    Without a target there is nothing to sweep. What `finish` gives, as JSON, is the result of a job that is completed.
    Returns how the job ended, or what the span came to, or None when the job is not to be closed now (or another
    process is at it).
    """
    held = await connection.fetchrow(statements.read("ledger/reconciling/lock_to_close"), job.id)
    if held is None:
        return None
    left: dict[str, int] = {}
    if target is not None and sweeping.needed(target):
        swept = await sweeping.step(connection, target, job, rows)
        if swept.planned:
            await jobs.roll_up(connection, job.id)
        if swept.left is None:
            return swept
        left = swept.left
    if held["state"] != JobState.RUNNING:  # nothing was claimed since it was opened or resumed
        await jobs.start(connection, job.id)
    counts = await jobs.roll_up(connection, job.id)
    error = too_many_failed(counts, failed_share, failed_minimum) or _all_failed(counts)
    state = JobState.FAILED if error else JobState.COMPLETED
    result = await finish() if state is JobState.COMPLETED else None
    await connection.fetchval(
        statements.read("ledger/reconciling/end"), job.id, state.value, error and clean(error), result
    )
    return Ended(job.id, state, left)


async def is_to_close(connection: Connection, job_id: UUID) -> bool:
    """Whether a job's partitions have all ended and it has not, such as while another process sweeps it."""
    found: bool = await connection.fetchval(statements.read("ledger/reconciling/is_to_close"), job_id)
    return found


async def give_up(connection: Connection, job_id: UUID, error: str) -> bool:
    """Fail a running job of which too much has failed; False when it is not running any more."""
    ended = await connection.fetchval(
        statements.read("ledger/reconciling/end"), job_id, JobState.FAILED.value, clean(error), None
    )
    return ended is not None


def too_many_failed(counts: RolledUp | None, share: float, minimum: int) -> str | None:
    """Why the job should fail, or None: more than `share` of at least `minimum` ended partitions have failed."""
    if counts is None or counts.ended_partitions < minimum or counts.failed <= share * counts.ended_partitions:
        return None
    return (
        f"{counts.failed:,} of {counts.ended_partitions:,} ended partitions failed, more than {share:.0%}; "
        "see: backfill failures"
    )


def _all_failed(counts: RolledUp | None) -> str | None:
    if counts is None or not counts.total or counts.failed < counts.total:
        return None
    return f"all {counts.total:,} partitions failed; see: backfill failures"
