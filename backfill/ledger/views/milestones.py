"""When half of a job and all of it is done, or will be."""

from datetime import datetime

from backfill import statements
from backfill.database import Connection
from backfill.ledger.progress import Progress
from backfill.ledger.views.page import Item
from backfill.states import JobState


async def milestones(connection: Connection, now: Progress, at: datetime) -> list[Item]:
    """Of 50 and of 100 %: the minute in which it was reached, else the earliest, expected and latest time."""
    half = (now.matched + 1) // 2
    reached = None
    if now.is_planned and half and now.done >= half:
        reached = await connection.fetchval(statements.read("ledger/views/reached"), now.job_id, half)
    ended = now.completed_at if now.state is JobState.COMPLETED else None
    return [_milestone(50, half, reached, now, at), _milestone(100, now.matched, ended, now, at)]


def _milestone(share: int, records: int, reached: datetime | None, now: Progress, at: datetime) -> Item:
    left, to_do = now.matched - now.done, records - now.done

    def when(end: datetime | None) -> datetime | None:
        """At the rate with which the whole would be done then."""
        return None if end is None or left <= 0 or to_do <= 0 else at + (end - at) * (to_do / left)

    return {
        "percent": share,
        "records": records,
        "reached_at": reached,
        "is_reached": bool(now.is_planned and (to_do <= 0) and (share < 100 or now.state is JobState.COMPLETED)),
        "earliest_at": when(now.earliest_completion_at),
        "expected_at": when(now.estimated_completion_at),
        "latest_at": when(now.latest_completion_at),
    }
