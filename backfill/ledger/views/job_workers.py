"""Who works on a job, and which worker is the slowest: the one whose partition has been in hand for longest."""

from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.ledger.views.page import Item


async def job_workers(connection: Connection, job_id: UUID) -> list[Item]:
    """Live workers of the job's backfill, the slowest first."""
    rows = await connection.fetch(statements.read("ledger/views/job_workers"), job_id)
    held = sum(row["partition"] is not None for row in rows)
    return [
        dict(row) | {"is_slowest": number == 0 and held > 1 and row["partition"] is not None}
        for number, row in enumerate(rows)
    ]
