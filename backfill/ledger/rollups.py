"""What is counted of each job: exact, at the cost of what has ended since it was counted last."""

from uuid import UUID

from backfill import statements
from backfill.database import Connection


async def behind(connection: Connection, backfill: str, *, most: int, but: list[UUID]) -> list[UUID]:
    """Ended jobs of which not everything is counted, newest first."""
    rows = await connection.fetch(statements.read("ledger/rollups/behind"), backfill, most, but)
    return [row["id"] for row in rows]
