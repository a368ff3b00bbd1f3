"""How much of a backfill's table has a value, as the ledger knows without reading that table."""

from backfill import statements
from backfill.database import Connection
from backfill.ledger import progress
from backfill.ledger.views.page import Item
from backfill.texts import clean


async def coverage(connection: Connection, backfill: str) -> Item | None:
    """As counted when its newest job was opened, with what has been written since; None when no job has counted."""
    job_id = await connection.fetchval(statements.read("ledger/views/coverage_job"), clean(backfill))
    if job_id is None:
        return None
    now = await progress.read(connection, job_id)
    if now.coverage is None:
        return None
    return {
        "backfill": now.backfill,
        "job": str(job_id),
        "in_scope": now.coverage.in_scope,
        "before": now.coverage.before,
        "covered": now.coverage.now,
        "projected": now.coverage.projected,
        "is_estimate": now.coverage.is_estimate,
        "at": now.completed_at or now.heartbeat_at or now.created_at,
    }
