"""What a producer has to know anew before each page: operators change jobs while they are queued."""

from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.errors import ConflictError
from backfill.modes import Priority
from backfill.states import ACTIVE, JobState


async def read(connection: Connection, job_id: UUID) -> Priority | None:
    """Into which queue the job's messages go now, None while it is paused; raises ConflictError when it has ended."""
    row = await connection.fetchrow(statements.read("ledger/course/read"), job_id)
    if row is None or row["state"] not in ACTIVE:
        state = "deleted" if row is None else row["state"]
        raise ConflictError(f"job {job_id} was {state} while it was queued; see: backfill events {job_id}")
    return None if row["state"] == JobState.PAUSED else Priority(row["priority"])
