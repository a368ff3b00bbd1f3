"""What this worker has in hand: written by its slots, read by the keeper's thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from backfill.ledger.partitions import Claim
from backfill.workers.watch import Watch

Place: TypeAlias = tuple[UUID, str]  # job and partition


@dataclass
class Hold:
    """One partition in hand, from its delivery on; without a claim until the ledger has given one."""

    watch: Watch
    claim: Claim | None = None


class Hand:
    """The partitions in the hands of all slots."""

    def __init__(self) -> None:
        self._held: dict[Place, Hold] = {}
        # Reentrant: a signal handler reads what is held, and may come while the main thread is changing it.
        self._lock = threading.RLock()

    def held(self, job_id: UUID, partition: str) -> Hold | None:
        """What another slot of this worker has in hand of the partition: a duplicate must not even try."""
        return self._held.get((job_id, partition))

    @contextmanager
    def holding_partition(self, job_id: UUID, partition: str) -> Iterator[Hold]:
        hold = Hold(Watch(f"partition {partition} of job {job_id}"))
        with self._lock:
            self._held[job_id, partition] = hold
        try:
            yield hold
        finally:
            with self._lock:
                del self._held[job_id, partition]

    def copy(self) -> dict[Place, Hold]:
        with self._lock:
            return self._held.copy()

    def watches(self) -> list[Watch]:
        with self._lock:
            return [hold.watch for hold in self._held.values()]
