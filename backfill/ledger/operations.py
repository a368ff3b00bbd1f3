"""What operators do to jobs: every change guarded by state and version, and remembered as an event."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from backfill import sessions, statements
from backfill.actor import WORKER
from backfill.database import Connection
from backfill.errors import ConflictError
from backfill.ledger import definitions, events, jobs
from backfill.ledger.job import Job
from backfill.states import ACTIVE, ENDED, JOB_ARROWS, JobState, PauseCause
from backfill.texts import MOST_OF_A_NAME, clean

HOW: Final = {
    JobState.RUNNING: "by a worker's next claim",
    JobState.PAUSED: "backfill pause",
    JobState.RESUMING: "backfill resume",
    JobState.COMPLETED: "when all partitions have ended",
    JobState.FAILED: "when too many partitions failed",
    JobState.CANCELLED: "backfill cancel",
}
TRIES: Final = 5  # against a change of the job between reading and writing it


@dataclass(frozen=True)
class Done:
    """What an operation came to."""

    job_id: UUID
    state: JobState  # now
    changed: bool  # False: the job was already as asked for
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"job": str(self.job_id), "state": self.state.value, "changed": self.changed, "text": self.text}


@dataclass(frozen=True)
class Failed:
    """Which of a job's failed records; every condition that is given holds of each."""

    error_class: str | None = None
    message: str | None = None  # of a group of failures: digits and what is quoted are left open
    record_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        kind = f" of {clean(self.error_class, 100)}" if self.error_class is not None else ""
        text = f" with the message {clean(self.message, 100)!r}" if self.message is not None else ""
        return kind + text + (f" among these {len(self.record_ids):,}" if self.record_ids else "")


async def pause(
    connection: Connection, job_id: UUID, *, actor: str, reason: str = "", with_others: bool = False
) -> Done:
    """Let no partition start any more; those in hand finish. In force when this returns.

    What was paused with all others is resumed with them, unless somebody pauses it for itself meanwhile.
    """
    cause = PauseCause.DEFINITION if actor == WORKER else PauseCause.ALL if with_others else None

    async def change(job: Job) -> bool:
        return bool(await connection.fetchval(statements.read("ledger/operations/pause"), job_id, job.version, cause))

    done = await _change(connection, job_id, JobState.PAUSED, change, actor=actor, reason=reason)
    if done.changed or cause is not None:
        return done
    return await _keep_paused(connection, done, actor=actor, reason=reason)


async def _keep_paused(connection: Connection, done: Done, *, actor: str, reason: str) -> Done:
    job = await jobs.read(connection, done.job_id)
    if job.pause_cause != PauseCause.ALL:
        return done
    async with sessions.brief(connection):
        await events.act(connection, actor, reason)
        is_kept = await connection.fetchval(statements.read("ledger/operations/keep_paused"), done.job_id, job.version)
        if is_kept:
            await events.remember(connection, done.job_id, "job.kept_paused", {}, reason or None)
    if not is_kept:  # changed meanwhile, perhaps resumed with all others
        return await pause(connection, done.job_id, actor=actor, reason=reason)
    return replace(
        done, changed=True, text=f"Job {done.job_id} was paused with all others; `resume --all` leaves it paused now."
    )


async def resume(
    connection: Connection, job_id: UUID, *, actor: str, reason: str = "", accept_definition: bool = False
) -> Done:
    """Go on where a pause stopped; the job is resuming until a worker claims.

    Where a changed definition is accepted, with the one that a worker has met it with, or the next worker's.
    """

    async def change(job: Job) -> bool:
        if not await connection.fetchval(statements.read("ledger/operations/resume"), job_id, job.version):
            return False
        if accept_definition:
            accepted = await definitions.accept(connection, job_id)
            await events.remember(connection, job_id, "job.definition_accepted", accepted)
        return True

    return await _change(connection, job_id, JobState.RESUMING, change, actor=actor, reason=reason)


async def cancel(connection: Connection, job_id: UUID, *, actor: str, reason: str = "") -> Done:
    """Give the job up: nothing starts afterwards, partitions in hand finish, its messages vanish from the queue."""
    why = clean(reason) or f"cancelled by {clean(actor, MOST_OF_A_NAME)}"

    async def change(job: Job) -> bool:
        changed = bool(await connection.fetchval(statements.read("ledger/operations/cancel"), job_id, job.version, why))
        if changed:
            await jobs.roll_up(connection, job_id)
        return changed

    return await _change(connection, job_id, JobState.CANCELLED, change, actor=actor, reason=reason)


async def _change(
    connection: Connection,
    job_id: UUID,
    to: JobState,
    change: Callable[[Job], Awaitable[bool]],
    *,
    actor: str,
    reason: str,
) -> Done:
    """Change the state if the arrow exists; raises ConflictError naming the state and what is allowed."""
    for _ in range(TRIES):
        job = await jobs.read(connection, job_id)
        state = job.state
        if state is to:
            return Done(job_id, state, False, f"Job {job_id} is {state.value} already.")
        if to not in JOB_ARROWS[state]:
            raise _refused(job_id, state, f"it cannot become {to.value}; {_allowed(state)}")
        async with sessions.brief(connection):
            await events.act(connection, actor, reason)
            if await change(job):
                return Done(job_id, to, True, f"Job {job_id} was {state.value} and is {to.value}.")
    raise ConflictError(f"job {job_id} is being changed by others again and again; see: backfill events {job_id}")


def _refused(job_id: UUID, state: JobState, why: str) -> ConflictError:
    """That the job is in this state, why that is in the way, and which states it may change to."""
    return ConflictError(f"job {job_id} is {state.value}: {why}", [one for one in JobState if one in JOB_ARROWS[state]])


def _allowed(state: JobState) -> str:
    arrows = ", ".join(f"{one.value} ({HOW[one]})" for one in JobState if one in JOB_ARROWS[state])
    return f"allowed: {arrows}" if arrows else "it has ended"


async def retry(connection: Connection, job_id: UUID, *, actor: str, these: Failed | None = None) -> tuple[UUID, int]:
    """Open a job over failed records of an ended one, all or these, linked to it; returns its id and how many records.

    Planned in the same transaction; a worker's reconciler publishes it within a second or two.
    """
    these = these or Failed()
    job = await jobs.read(connection, job_id)
    state = job.state
    if state not in ENDED:
        raise _refused(job_id, state, f"only what an ended job left can be retried; {_allowed(state)}")
    async with sessions.brief(connection):
        await events.act(connection, actor, f"retry of {job_id}")
        try:
            opened: UUID | None = await connection.fetchval(
                statements.read("ledger/operations/open_retry"),
                job_id,
                these.error_class,
                these.message,
                list(these.record_ids) or None,
            )
        except asyncpg.ExclusionViolationError as error:
            raise ConflictError(
                f"another job of {job.backfill} is active and overlaps the failed records; see: backfill list"
            ) from error
        if opened is None:
            raise ConflictError(
                f"job {job_id} has no failed records{these} that no retry has done yet; see: backfill failures {job_id}"
            )
        counts = await connection.fetch(statements.read("ledger/operations/plan_retry"), opened)
        await jobs.roll_up(connection, opened)
    return opened, sum(count["record_count"] for count in counts)


async def reset_stuck(connection: Connection, job_id: UUID, *, actor: str, force: bool) -> tuple[int, int]:
    """Take back partitions of workers that have gone (or of all, fencing them out), and queue what is pending anew.

    Returns how many partitions were taken back, and how many messages will be published again.
    """
    state = (await jobs.read(connection, job_id)).state
    if state not in ACTIVE:
        raise _refused(job_id, state, "it has ended, and nothing of it can be stuck")
    async with sessions.brief(connection):
        await events.act(connection, actor)
        taken = await connection.fetch(statements.read("ledger/operations/reset_partitions"), job_id, force)
        again = await connection.fetch(statements.read("ledger/operations/forget_messages"), job_id)
        details = {"partitions": [row["partition_key"] for row in taken][:100], "republished": len(again)}
        await events.remember(connection, job_id, "job.reset", details)
    return len(taken), len(again)


async def delete(connection: Connection, job_id: UUID, *, actor: str) -> None:
    """Forget an ended job with its partitions and failures; its events stay.

    Raises ConflictError for an active one, NotFoundError where there is none, or no longer.
    """
    job = await jobs.read(connection, job_id)
    state = job.state
    async with sessions.brief(connection):
        await events.act(connection, actor)
        # An apply under way locks its partition before the job, and deleting would meet it the other way round.
        await connection.execute(statements.read("ledger/operations/lock_running"), job_id)
        if await connection.fetchval(statements.read("ledger/operations/delete"), job_id, job.version) is None:
            await jobs.read(connection, job_id)  # else somebody was faster, and it is gone
            raise _refused(job_id, state, "only ended jobs are deleted; cancel it first")
        await events.remember(connection, job_id, "job.deleted", {"asset_name": job.backfill, "state": state.value})


async def set_job(
    connection: Connection,
    job_id: UUID,
    *,
    actor: str,
    priority: str | None,
    max_workers: int | None,
    pause_ms: int | None,
    deadline: datetime | None,
    clears_deadline: bool = False,
) -> Done:
    """Change how an active job is worked on; running workers obey from their next claim on."""
    shown = "none" if clears_deadline else deadline and deadline.astimezone(UTC).isoformat().replace("+00:00", "Z")
    given = {"priority": priority, "max_workers": max_workers, "pause_ms": pause_ms, "deadline": shown}
    details = {name: str(value) for name, value in given.items() if value is not None}
    for _ in range(TRIES):
        job = await jobs.read(connection, job_id)
        state = job.state
        if state not in ACTIVE:
            raise _refused(job_id, state, "it has ended")
        async with sessions.brief(connection):
            await events.act(connection, actor)
            changed = await connection.fetchval(
                statements.read("ledger/operations/set_job"),
                job_id,
                job.version,
                priority,
                max_workers,
                pause_ms,
                deadline,
                clears_deadline,
            )
            if changed is None:
                continue
            if max_workers is not None:
                await connection.fetchval(statements.read("ledger/operations/await_claims"), job_id)
            if priority is not None and priority != job.priority:
                # What waits in the other queue finds nothing to claim, once its twin was faster.
                await connection.fetch(statements.read("ledger/operations/forget_messages"), job_id)
            await events.remember(connection, job_id, "job.set", details)
        return Done(
            job_id, state, True, f"Job {job_id}: " + ", ".join(f"{name} {value}" for name, value in details.items())
        )
    raise ConflictError(f"job {job_id} is being changed by others again and again; see: backfill events {job_id}")
