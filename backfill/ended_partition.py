"""What `after_partition` of a definition is told."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class EndedPartition:
    """A partition that has ended; all numbers are of records, or of keys."""

    job_id: UUID
    partition_key: str  # its number among those of the job
    state: str  # completed, failed or skipped
    keys: tuple[str, ...]  # as the ledger has them
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
