"""Rows of the ledger as the programs see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import asyncpg

from backfill import parameters
from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.states import JobState


@dataclass(frozen=True)
class Job:
    """A job as it was when it was read; the statements in `sql/ledger/jobs/` that give one name these columns."""

    id: UUID
    backfill: str
    mode: Mode
    state: JobState
    priority: Priority
    sort_order: str
    batch_size: int
    record_limit: int | None
    by_id: bool  # opened with its records, which are read for themselves: there may be many
    after_key: str | None
    upper_key: str
    cursor_key: str | None
    definition_hash: str
    former_definition_hashes: list[str]  # replaced since it was opened
    parameters: dict[str, Any]
    idempotency_key: str | None
    planned_at: datetime | None
    completed_at: datetime | None
    producer_lease_until: datetime | None
    version: int
    pause_cause: str | None
    error_message: str | None
    completed_partitions: int
    total_partitions: int
    records_matched: int

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        typed = {
            "mode": Mode(row["mode"]),
            "state": JobState(row["state"]),
            "priority": Priority(row["priority"]),
            "parameters": parameters.decoded(row["parameters"]),
        }
        return cls(**dict(row) | typed)


@dataclass(frozen=True)
class PlannedPartition:
    """A partition that waits for its message."""

    job_id: UUID
    mode: str
    partition_key: str
    attempt_count: int
    record_ids: list[str]

    def message(self, backfill: str) -> PartitionMessage:
        return PartitionMessage(
            self.job_id, backfill, Mode(self.mode), self.partition_key, self.attempt_count, tuple(self.record_ids)
        )


@dataclass(frozen=True)
class RolledUp:
    """How a job's partitions stand."""

    ended: bool  # planned, and every partition has ended
    failed: int
    ended_partitions: int
    total: int
