"""What a definition does around its partitions: once before a job, and after each that has ended."""

from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.ended_partition import EndedPartition
from backfill.ledger.partitions import Claim


async def try_lock(connection: Connection, job_id: UUID) -> bool:
    """Be the only one at it until the transaction's end."""
    is_ours: bool = await connection.fetchval(statements.read("ledger/hooks/try_lock"), job_id)
    return is_ours


async def is_done(connection: Connection, job_id: UUID) -> bool:
    """Whether what comes before the job was done, by whomever."""
    return bool(await connection.fetchval(statements.read("ledger/hooks/is_done"), job_id))


async def mark(connection: Connection, job_id: UUID) -> bool:
    """It was done in this transaction; False where the job has ended meanwhile."""
    return await connection.fetchval(statements.read("ledger/hooks/mark"), job_id) is not None


async def ended(connection: Connection, claim: Claim) -> EndedPartition | None:
    """The partition, if it has ended under this claim."""
    row = await connection.fetchrow(statements.read("ledger/hooks/ended"), claim.id, claim.fence, claim.worker)
    return None if row is None else EndedPartition(**dict(row) | {"keys": tuple(row["keys"])})
