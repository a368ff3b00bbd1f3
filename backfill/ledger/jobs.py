"""Jobs: open, find, plan, roll up, end."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from backfill import sessions, statements
from backfill.database import Connection
from backfill.errors import ConflictError, NotFoundError, UsageError
from backfill.ledger import events, passes
from backfill.ledger.job import Job, RolledUp
from backfill.ledger.passes import Counted, Series
from backfill.modes import Mode, Priority
from backfill.texts import clean

Row: TypeAlias = asyncpg.Record

PRODUCER_LEASE_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Request:
    """What a `backfill-queue` call asks for."""

    mode: Mode
    priority: Priority
    order: str
    batch_size: int
    limit: int | None
    ids: tuple[str, ...]
    after: str | None
    idempotency_key: str | None
    deadline: datetime | None = None  # these three are an operator's to change later
    max_workers: int | None = None
    pause_ms: int | None = None


async def open_job(
    connection: Connection,
    request: Request,
    *,
    backfill: str,
    definition_hash: str,
    parameters: dict[str, Any],
    upper_key: str,
    key_range: tuple[Decimal | None, Decimal | None],
    scope: dict[str, Any] | None,
    producer: UUID,
    max_jobs: int,
    actor: str,
    a_pass: tuple[Series, Counted] | None = None,
) -> UUID:
    """Insert the job, about a range of keys or a scope; raises ConflictError at `max_jobs`.

    Also with the id of an active job that overlaps it.
    """
    scoped = None if scope is None else json.dumps(scope)
    try:
        async with sessions.brief(connection):
            await events.act(connection, actor)
            await connection.execute(statements.read("ledger/jobs/lock_backfill"), backfill)
            if await connection.fetchval(statements.read("ledger/jobs/count_active"), backfill) >= max_jobs:
                raise ConflictError(
                    f"{backfill} has {max_jobs} active jobs, as many as BACKFILL_MAX_JOBS allows; see: backfill list"
                )
            job_id: UUID = await connection.fetchval(
                statements.read("ledger/jobs/open_job"),
                backfill,
                request.mode.value,
                request.priority.value,
                request.order,
                request.batch_size,
                request.limit,
                list(request.ids) or None,
                *key_range,
                definition_hash,
                upper_key,
                producer,
                PRODUCER_LEASE_SECONDS,
                request.idempotency_key,
                request.after,
                json.dumps(parameters),
                scoped,
                request.deadline,
                request.max_workers,
                request.pause_ms,
            )
            if a_pass is not None:
                await passes.begin(connection, job_id, *a_pass)
            return job_id
    except asyncpg.ExclusionViolationError as error:
        other = await connection.fetchrow(statements.read("ledger/jobs/find_overlapping"), backfill, *key_range, scoped)
        if other is None:  # it ended in between
            raise ConflictError(f"another job of {backfill} was active a moment ago; run again") from error
        raise ConflictError(
            f"job {other['id']} of {backfill} is {other['state']} and overlaps this one; wait for it, go on with it "
            f"(--resume {other['id']}), or cancel it (backfill cancel {other['id']} --reason=TEXT)"
        ) from error


async def find(connection: Connection, reference: str) -> UUID:
    """The job of an id, a unique beginning of one, or `latest`; raises NotFoundError, or UsageError for several."""
    if reference == "latest":
        latest: UUID | None = await connection.fetchval(statements.read("ledger/jobs/find_latest"))
        if latest is None:
            raise NotFoundError("there is no job yet; open one with: backfill-queue")
        return latest
    if not re.fullmatch(r"[0-9a-fA-F-]{1,36}", reference):
        raise NotFoundError(
            f"no job {clean(reference, 100)!r}; give an id, the beginning of one, or latest; see: backfill list"
        )
    rows = await connection.fetch(statements.read("ledger/jobs/find"), reference.lower())
    if not rows:
        raise NotFoundError(f"no job {reference}; see: backfill list")
    if len(rows) > 1:
        raise UsageError(f"several jobs begin with {reference}; give more of the id")
    found: UUID = rows[0]["id"]
    return found


async def read(connection: Connection, job_id: UUID) -> Job:
    row: Row | None = await connection.fetchrow(statements.read("ledger/jobs/read"), job_id)
    if row is None:
        raise missing(job_id)
    return Job.of(row)


async def record_ids(connection: Connection, job_id: UUID) -> tuple[str, ...]:
    """The records that a job was opened with, if it was."""
    return tuple(await connection.fetchval(statements.read("ledger/jobs/record_ids"), job_id) or ())


def missing(job_id: UUID) -> NotFoundError:
    return NotFoundError(f"no job {job_id}; see: backfill list")


async def try_lead(connection: Connection, job_id: UUID, producer: UUID) -> Job | None:
    """Take over the planning of an active job; None while a live producer has it, or when it has ended."""
    row: Row | None = await connection.fetchrow(
        statements.read("ledger/jobs/try_lead"), job_id, producer, PRODUCER_LEASE_SECONDS
    )
    return None if row is None else Job.of(row)


async def lead(connection: Connection, job_id: UUID, producer: UUID) -> Job:
    """The same; raises ConflictError where that gives None."""
    job = await try_lead(connection, job_id, producer)
    if job is None:
        raise await _led_by_others(connection, job_id)
    return job


async def renew_lead(connection: Connection, job_id: UUID, producer: UUID) -> None:
    """Keep leading; raises ConflictError when another producer does now, or the lead was given back meanwhile."""
    statement = statements.read("ledger/jobs/renew_lead")
    if await connection.fetchval(statement, job_id, producer, PRODUCER_LEASE_SECONDS) is None:
        raise await _led_by_others(connection, job_id)


async def _led_by_others(connection: Connection, job_id: UUID) -> ConflictError:
    now = await read(connection, job_id)
    if now.completed_at is not None:
        return ConflictError(f"job {job_id} is {now.state.value}: it has ended; open a new one")
    if now.producer_lease_until is None:
        return ConflictError(f"job {job_id} was being planned by another producer a moment ago; try again")
    return ConflictError(
        f"job {job_id} is being planned by another producer until its lease ends at "
        f"{now.producer_lease_until:%H:%M:%S} (UTC); wait for it, or try again then"
    )


async def left(connection: Connection, backfills: list[str]) -> list[tuple[UUID, str]]:
    """Jobs that their producers have left before they were planned whole, and their backfills."""
    rows = await connection.fetch(statements.read("ledger/jobs/left"), backfills)
    return [(row["id"], row["backfill"]) for row in rows]


async def start(connection: Connection, job_id: UUID) -> None:
    await connection.fetchval(statements.read("ledger/jobs/start"), job_id)


async def pause_ms(connection: Connection, job_id: UUID) -> int:
    """How long a slot rests after each partition; not at all once the job has ended."""
    found: int | None = await connection.fetchval(statements.read("ledger/jobs/pause_ms"), job_id)
    return found or 0


async def roll_up(connection: Connection, job_id: UUID, *, anew: bool = False) -> RolledUp | None:
    """Bring the job row's counts up to date, or count all anew; None for one that was deleted meanwhile.

    A ledger that was restored into another cluster, and a job from before the ledger counted so, are counted anew.
    After a crash either all of it is counted or none: the next count begins at the same snapshot.
    """
    statement = statements.read("ledger/jobs/roll_up")
    row: Row | None = await connection.fetchrow(statement, job_id, anew, not connection.is_in_transaction())
    return None if row is None else RolledUp(**row)


async def active(connection: Connection, backfills: list[str]) -> list[Job]:
    return [Job.of(row) for row in await connection.fetch(statements.read("ledger/jobs/active"), backfills)]


async def listed(connection: Connection, *, state: str | None, asset_name: str | None, most: int) -> list[Row]:
    return await connection.fetch(statements.read("ledger/jobs/listed"), state, asset_name and clean(asset_name), most)


async def select(
    connection: Connection,
    states: list[str],
    asset_name: str | None,
    stuck_for: float | None = None,
    ended_for: float | None = None,
) -> list[Job]:
    """Jobs in one of these states; of one backfill, without a heartbeat or ended for so many seconds, where given."""
    rows = await connection.fetch(statements.read("ledger/jobs/select"), states, asset_name, stuck_for, ended_for)
    return [Job.of(row) for row in rows]


async def failures(connection: Connection, job_id: UUID, most: int) -> list[Row]:
    return await connection.fetch(statements.read("ledger/jobs/failures"), job_id, most)


async def with_failures(connection: Connection, most: int) -> list[Row]:
    """Jobs that have failed records, newest first, and how many."""
    return await connection.fetch(statements.read("ledger/jobs/with_failures"), most)


async def claimable(connection: Connection, backfills: list[str]) -> Any:
    """Counts of what is left for workers: claimable, held, waiting (and until when), planning."""
    return await connection.fetchrow(statements.read("ledger/jobs/claimable"), backfills)


async def halted(connection: Connection, backfills: list[str]) -> list[Row]:
    """Jobs that a worker has paused, and why: they wait for a corrected definition or table."""
    return await connection.fetch(statements.read("ledger/jobs/halted"), backfills)
