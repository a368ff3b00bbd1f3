"""Whether what a definition requires has been completed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.required import Required
from backfill.states import JobState
from backfill.texts import one_line


@dataclass(frozen=True)
class Standing:
    """How a backfill stands that another one requires."""

    job: UUID | None  # the last that has ended, over all that its mode selects
    state: str | None
    completed_at: datetime | None
    failed: int | None  # records of it
    seconds: float | None  # since it ended
    active: UUID | None
    active_state: str | None

    @property
    def is_completed(self) -> bool:
        return self.active is None and self.state == JobState.COMPLETED


@dataclass(frozen=True)
class Lack:
    """What is required and was not completed, or is not any more."""

    required: Required
    standing: Standing

    def __str__(self) -> str:
        name, now = one_line(self.required.name), self.standing
        if now.active is not None:
            return f"{name} is active (job {now.active} is {now.active_state})"
        if now.job is None or now.seconds is None:
            return f"{name} was never completed"
        if now.state != JobState.COMPLETED:
            return f"job {now.job} of {name} {'was cancelled' if now.state == JobState.CANCELLED else 'failed'}"
        return (
            f"{name} was completed {_shown(now.seconds)} ago (job {now.job}), which may be "
            f"{_shown(self.required.seconds or 0)} at most"
        )


async def standing(connection: Connection, name: str) -> Standing:
    row = await connection.fetchrow(statements.read("ledger/requirements/standing"), name)
    assert row is not None  # noqa: S101 - one row, whatever there is
    return Standing(**row)


def lack(required: Required, now: Standing) -> Lack | None:
    """What is missing; None when it was completed, and not too long ago."""
    is_fresh = required.seconds is None or (now.seconds or 0) <= required.seconds
    return None if now.is_completed and is_fresh else Lack(required, now)


def _shown(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
