"""The states of jobs and partitions, and every arrow between them with its cause.

The database holds the same job table in `backfill_allowed_states()` and refuses any other change, also one that
is typed by hand; `tests/integration/test_schema.py` holds the two against each other.
"""

from enum import StrEnum
from typing import Final


class JobState(StrEnum):
    PENDING = "pending"  # opened; no worker has claimed a partition of it yet
    RUNNING = "running"  # a worker has claimed
    PAUSED = "paused"  # an operator asked; no partition starts, those in hand finish
    RESUMING = "resuming"  # an operator asked; the next claim makes it running
    COMPLETED = "completed"  # every partition has ended; what the closing sweep found besides is said
    FAILED = "failed"  # too large a share of its partitions failed
    CANCELLED = "cancelled"  # an operator gave it up; what is open stays as it is


class PauseCause(StrEnum):
    """Of a paused job; without one it was paused for itself, by an operator."""

    ALL = "all"  # with all others, and is resumed with them
    DEFINITION = "definition"  # a worker found that every partition would fail alike


class PartitionState(StrEnum):
    PENDING = "pending"  # planned, perhaps published, perhaps waiting for a retry (`not_before`)
    RUNNING = "running"  # claimed: a fence and a lease say by whom and how long
    COMPLETED = "completed"  # its values and this state were committed together
    FAILED = "failed"  # out of attempts; its records are listed in `backfill_failures`
    SKIPPED = "skipped"  # ended, and no record of it needed a value any more


# What becomes of a record, each one once; the columns `records_…` of jobs and partitions.
OUTCOMES: Final = ("updated", "unchanged", "skipped", "failed", "deleted")

CLAIMABLE = frozenset({JobState.PENDING, JobState.RUNNING, JobState.RESUMING})
ACTIVE = CLAIMABLE | {JobState.PAUSED}
ENDED = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})

JOB_ARROWS: dict[JobState, frozenset[JobState]] = {
    # running: the first claim. paused, cancelled: an operator.
    JobState.PENDING: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED}),
    # paused, cancelled: an operator. completed, failed: the last partition has ended, or too many failed.
    JobState.RUNNING: frozenset({JobState.PAUSED, JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}),
    # resuming, cancelled: an operator.
    JobState.PAUSED: frozenset({JobState.RESUMING, JobState.CANCELLED}),
    # running: the first claim after the resume. paused, cancelled: an operator.
    JobState.RESUMING: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED}),
    JobState.COMPLETED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

PARTITION_ARROWS: dict[PartitionState, frozenset[PartitionState]] = {
    # running: claimed.
    PartitionState.PENDING: frozenset({PartitionState.RUNNING}),
    # completed, skipped: applied. pending: given back, shrunk, waiting for a retry, or its lease ended.
    # failed: out of attempts. running: claimed anew after its lease ended.
    PartitionState.RUNNING: frozenset(PartitionState),
    PartitionState.COMPLETED: frozenset(),
    PartitionState.FAILED: frozenset(),
    PartitionState.SKIPPED: frozenset(),
}
