"""Partitions: claim, renew, settle, give back, fail."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.ledger.jobs import Row
from backfill.ledger.tally import Tally
from backfill.message import PartitionMessage
from backfill.texts import MOST_OF_A_NAME, clean


@dataclass(frozen=True)
class Claim:
    """The right to apply one partition, until a later claim of it."""

    id: int
    job_id: UUID
    fence: int
    worker: UUID
    attempt: int
    ids: list[str]
    job_state: str
    priority: str
    pause_ms: int
    definition_hash: str  # of the job
    server_started: datetime  # when the server was that gave it: after a failover it is another one
    interruptions: int = 0  # earlier claims under which the worker or the session ended
    began: float = field(default_factory=time.monotonic)


async def claim(connection: Connection, message: PartitionMessage, worker: UUID, lease_seconds: float) -> Claim | None:
    """Take the partition in a transaction of its own, or None when it is not to be had.

    Not flushed: after a crash of the database the claim may be forgotten and its fence given out again, which the
    worker's own id tells apart.
    """
    row = await connection.fetchrow(
        statements.read("ledger/partitions/claim"),
        message.job_id,
        message.partition_key,
        worker,
        lease_seconds,
        message.backfill,
        message.mode.value,
    )
    if row is None:
        return None
    return Claim(
        row["id"],
        message.job_id,
        row["fence"],
        worker,
        row["attempt_count"],
        row["record_ids"],
        row["job_state"],
        row["priority"],
        row["pause_ms"],
        row["definition_hash"],
        row["server_started"],
        row["interruptions"],
    )


async def refusal(connection: Connection, message: PartitionMessage) -> Row | None:
    """The states that explain why a claim gave nothing; None for an unknown job."""
    return await connection.fetchrow(
        statements.read("ledger/partitions/refusal"), message.job_id, message.partition_key
    )


async def renew(connection: Connection, held: Collection[tuple[UUID, str]], worker: UUID, lease_seconds: float) -> None:
    """Prolong the leases of those of these partitions, each a job and a key, that this worker has claimed."""
    jobs, keys = [job for job, _ in held], [key for _, key in held]
    await connection.execute(statements.read("ledger/partitions/renew"), jobs, keys, worker, lease_seconds)


async def lock(
    connection: Connection,
    claim: Claim,
    backfill: str,
    *,
    statement_ms: int | None = None,
    lock_ms: int | None = None,
    transaction_ms: int | None = None,
) -> bool:
    """Hold the partition for the apply, whose statements then take no longer; False when another claim has it.

    Nor does all of it, with a limit for its statements, where PostgreSQL can bound that.
    """
    held = await connection.fetchval(
        statements.read("ledger/partitions/lock"),
        claim.id,
        claim.fence,
        claim.worker,
        backfill,
        str(claim.job_id),
        statement_ms,
        lock_ms,
        transaction_ms,
    )
    return held is not None


async def conclude(
    connection: Connection,
    claim: Claim,
    tally: Tally,
    *,
    duration_ms: float,
    retry_seconds: float | None,
    error: str | None,
    definition_hash: str | None = None,
) -> None:
    """Write what became of the records, and of which definition, in the transaction that wrote the values.

    The caller holds the lock.

    The tally is told the state in which that leaves the partition.
    With records remaining the partition waits `retry_seconds` for its next attempt, or stays claimed when None.
    """
    held = next(iter(tally.held.values()), None)
    remaining = [*tally.remaining, *tally.held, *tally.later]
    if tally.failed:
        failures = [
            (record_id, clean(kind, MOST_OF_A_NAME), clean(text)) for record_id, (kind, text) in tally.failed.items()
        ]
        await connection.execute(
            statements.read("ledger/partitions/insert_failures"),
            claim.id,
            *(list(column) for column in zip(*failures, strict=True)),
        )
    tally.state = await connection.fetchval(
        statements.read("ledger/partitions/conclude"),
        claim.id,
        *tally.counts().values(),
        json.dumps(tally.reasons()),
        duration_ms,
        "end" if not remaining else "keep" if retry_seconds is None else "wait",
        remaining or None,
        retry_seconds,
        None if error is None else clean(error),
        definition_hash,
        tally.left or None,
        None if held is None or retry_seconds is not None else clean(held),
        tally.calls,
        tally.refused,
        list(tally.remaining) if remaining and retry_seconds is not None else None,
        list(tally.failed) or None,
    )


async def retry(connection: Connection, claim: Claim, seconds: float, error: str) -> bool:
    """Put the partition back for a later attempt; False when the claim was lost."""
    kept = await connection.fetchval(
        statements.read("ledger/partitions/retry"), claim.id, claim.fence, claim.worker, seconds, clean(error)
    )
    return kept is not None


async def fail(connection: Connection, claim: Claim, error_class: str, error: str, spare: list[str]) -> int | None:
    """Give the partition up and list its records; returns how many, None when the claim was lost.

    With records to spare it is pending again with these, and for them it was no attempt.
    """
    failed: int | None = await connection.fetchval(
        statements.read("ledger/partitions/fail"),
        claim.id,
        claim.fence,
        claim.worker,
        clean(error_class, MOST_OF_A_NAME),
        clean(error),
        spare,
    )
    return failed


async def release(connection: Connection, claim: Claim) -> None:
    """Give the claim back as if it had not been; no attempt is counted."""
    await connection.fetchval(statements.read("ledger/partitions/release"), claim.id, claim.fence, claim.worker)


async def tell_held(connection: Connection, claim: Claim, reason: str) -> None:
    """Say in the ledger what holds the partition up, while its claim is kept."""
    await connection.execute(
        statements.read("ledger/partitions/tell_held"), claim.id, claim.fence, claim.worker, clean(reason)
    )


async def tell_goes_on(connection: Connection, claim: Claim, reason: str) -> None:
    """What held the partition up for that reason is over."""
    await connection.execute(
        statements.read("ledger/partitions/tell_goes_on"), claim.id, claim.fence, claim.worker, clean(reason)
    )


async def is_wanted(connection: Connection, claim: Claim) -> bool:
    """Whether the job still runs and nobody has taken the claim over: waiting for anything else is in vain."""
    found: bool = await connection.fetchval(
        statements.read("ledger/partitions/is_wanted"), claim.id, claim.fence, claim.worker
    )
    return found


async def count_calls(connection: Connection, claim: Claim, made: int, refused: int) -> None:
    """Count calls under a claim whose progress was not committed, whoever has the partition by now."""
    await connection.execute(statements.read("ledger/partitions/count_calls"), claim.id, made, refused)


async def hold(connection: Connection, claim: Claim, reason: str, *, fewest: float, most: float) -> bool:
    """Give back a claim that waits for a lock or a hook; no attempt is counted. False when the claim was lost."""
    kept = await connection.fetchval(
        statements.read("ledger/partitions/hold"), claim.id, claim.fence, claim.worker, fewest, most, clean(reason)
    )
    return kept is not None


async def forget_message(connection: Connection, message: PartitionMessage) -> bool:
    """Let the message be published again once the partition may be claimed: this one is about to be dropped.

    False when the partition is not pending.
    """
    found = await connection.fetchval(
        statements.read("ledger/partitions/forget_message"), message.job_id, message.partition_key
    )
    return found is not None
