"""A map of a job: cells of equal numbers of partitions, in order of work, each with how many are in which state."""

from typing import Any, Final
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.errors import UsageError
from backfill.ledger import jobs

MOST_CELLS: Final = 1_000


async def partition_map(connection: Connection, job_id: UUID, bins: int = 200) -> dict[str, Any]:
    """At most `bins` cells, whose numbers are of one moment; raises NotFoundError, or UsageError for too many bins.

    What a cell costs does not depend on how many partitions it has, unless they differ: then they are counted along
    an index.
    """
    if not 1 <= bins <= MOST_CELLS:
        raise UsageError(f"a map has 1 to {MOST_CELLS:,} cells, and {bins:,} were asked for")
    rows = await connection.fetch(statements.read("ledger/views/partition_map"), job_id, bins)
    if not rows:
        await jobs.read(connection, job_id)
    return {"cells": [dict(row) for row in rows], "partitions": sum(row["partitions"] for row in rows)}
