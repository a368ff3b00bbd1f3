"""What is counted of each job: exact, at the cost of what has ended since it was counted last."""

from uuid import UUID

from backfill import statements
from backfill.database import Connection


async def bring_up(connection: Connection, job_id: UUID, *, anew: bool = False) -> None:
    """Count what has ended since, or all of it anew; to be called in a transaction that holds the job's row.

    A ledger that was restored into another cluster, and a job from before the ledger counted so, are counted anew.
    After a crash either all of it is counted or none: the next count begins at the same snapshot.
    """
    add = statements.read("ledger/rollups/add")
    if anew or await connection.fetchval(add, job_id, False) is None:
        await connection.execute(statements.read("ledger/rollups/reset"), job_id)
        await connection.execute(add, job_id, True)


async def behind(connection: Connection, backfill: str, *, most: int, but: list[UUID]) -> list[UUID]:
    """Ended jobs of which not everything is counted, newest first."""
    rows = await connection.fetch(statements.read("ledger/rollups/behind"), backfill, most, but)
    return [row["id"] for row in rows]
