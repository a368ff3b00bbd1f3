"""What a worker without a broker takes from the ledger instead."""

from collections.abc import Collection
from uuid import UUID

from backfill import statements
from backfill.database import Connection


async def due(connection: Connection, job_id: UUID, *, without: Collection[str], most: int) -> list[str]:
    """Keys of partitions of the job that may be claimed now, in order of work; none while it is paused."""
    rows = await connection.fetch(statements.read("ledger/feeding/due"), job_id, list(without), most)
    return [row["partition_key"] for row in rows]
