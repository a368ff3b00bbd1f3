"""Which definition a job is for: the one it was opened with, until an operator accepts another."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.ledger import jobs
from backfill.ledger.jobs import Row


@dataclass(frozen=True)
class Ordered:
    """What a job asks of whoever works on it."""

    definition_hash: str
    former_hashes: frozenset[str]  # replaced since
    parameters: dict[str, Any]


async def ordered(connection: Connection, job_id: UUID) -> Ordered:
    job = await jobs.read(connection, job_id)
    return Ordered(job.definition_hash, frozenset(job.former_definition_hashes), job.parameters)


async def adopt(connection: Connection, job_id: UUID, before: str, definition_hash: str) -> bool:
    """Make it the job's, whose own is not known; False when another worker was faster."""
    return bool(await connection.fetchval(statements.read("ledger/definitions/adopt"), job_id, before, definition_hash))


async def offer(connection: Connection, job_id: UUID, before: str, definition_hash: str) -> None:
    """Remember what a worker has instead of the job's own."""
    await connection.execute(statements.read("ledger/definitions/offer"), job_id, before, definition_hash)


async def accept(connection: Connection, job_id: UUID) -> dict[str, str]:
    """Let the job go on with what a worker has met it with, or with the next worker's: the hashes before and now."""
    row = await connection.fetchrow(statements.read("ledger/definitions/accept"), job_id)
    return {} if row is None else dict(row)


async def unserved(connection: Connection, backfills: list[str]) -> list[Row]:
    """Active jobs of other backfills that no live worker serves."""
    return await connection.fetch(statements.read("ledger/definitions/unserved"), backfills)
