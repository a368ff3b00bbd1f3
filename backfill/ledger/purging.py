"""What the ledger has to know when messages are thrown away."""

from typing import Any
from uuid import UUID

from backfill import sessions, statements
from backfill.database import Connection
from backfill.ledger import events


async def forget(connection: Connection, job: UUID, *, actor: str, details: dict[str, Any]) -> int:
    """Have what is pending of the job published again, if it is active; the number of its partitions."""
    async with sessions.brief(connection):
        await events.act(connection, actor)
        forgotten: int = await connection.fetchval(statements.read("ledger/purging/forget"), job)
        await events.remember(connection, job, "job.purged", details | {"republished": forgotten})
    return forgotten
