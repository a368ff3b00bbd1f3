"""How long to leave a job alone whose planning has ended early."""

from collections.abc import Collection
from time import monotonic
from typing import Final
from uuid import UUID

FIRST_SECONDS: Final = 2.0
MOST_SECONDS: Final = 120.0


class Patience:
    """Twice as long after each time."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}
        self._seconds: dict[UUID, float] = {}
        self._causes: dict[UUID, str] = {}

    def lengthen(self, job_id: UUID, cause: str, now: float) -> bool:
        """It has ended early again; whether its cause is another one than the last time."""
        self._seconds[job_id] = min(2 * self._seconds.get(job_id, FIRST_SECONDS / 2), MOST_SECONDS)
        self._until[job_id] = now + self._seconds[job_id]
        before, self._causes[job_id] = self._causes.get(job_id), cause
        return cause != before

    def is_over(self, job_id: UUID) -> bool:
        return monotonic() >= self._until.get(job_id, 0.0)

    def keep(self, job_ids: Collection[UUID]) -> None:
        """Forget all others."""
        for kept in (self._until, self._seconds, self._causes):
            for job_id in [one for one in kept if one not in job_ids]:
                del kept[job_id]
