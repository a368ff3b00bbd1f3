"""What this worker has in hand: written by its slots, read by the keeper's thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from uuid import UUID

from backfill import log
from backfill.ledger.partitions import Claim
from backfill.workers import trace
from backfill.workers.watch import Watch

Place: TypeAlias = tuple[UUID, str]  # job and partition


class Hold:
    """One partition in hand, from its delivery on; without a claim until the ledger has given one."""

    def __init__(self, watch: Watch, say: Callable[[str], None]) -> None:
        self.watch = watch
        self._say = say
        self._claim: Claim | None = None

    @property
    def claim(self) -> Claim | None:
        return self._claim

    @claim.setter
    def claim(self, claim: Claim | None) -> None:
        self._claim = claim
        if claim is not None:
            trace.claimed(claim, self._say)


class Hand:
    """The partitions in the hands of all slots."""

    def __init__(self, say: Callable[[str], None] = lambda _: None) -> None:
        self._say = say
        self._held: dict[Place, Hold] = {}
        # Reentrant: a signal handler reads what is held, and may come while the main thread is changing it.
        self._lock = threading.RLock()

    def held(self, job_id: UUID, partition: str) -> Hold | None:
        """What another slot of this worker has in hand of the partition: a duplicate must not even try."""
        return self._held.get((job_id, partition))

    @contextmanager
    def holding_partition(self, job_id: UUID, partition: str) -> Iterator[Hold]:
        """Have it in hand within; what is said within is about it."""
        hold = Hold(Watch(f"partition {partition} of job {job_id}"), self._say)
        with self._lock:
            self._held[job_id, partition] = hold
        try:
            with log.about(job_id, partition):
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
