"""What operators do to jobs and workers, as the commands of the same names do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel

from backfill.database import Connection
from backfill.ledger import jobs, operations, workers
from backfill.web.answers import Answer
from backfill.web.jobs import shown
from backfill.web.models import jobs as models
from backfill.web.place import Here, Job, Place, Who
from backfill.web.wanted import Reason, Resetting, Resuming, Retrying, Setting

__all__ = ["router"]

router = APIRouter(tags=["operations"])


class Changed(BaseModel):
    """What an operation came to."""

    job: str
    state: str
    changed: bool
    text: str


class Retried(BaseModel):
    """A job over failed records of another one."""

    job: str
    parent: str
    records: int


class Reset(BaseModel):
    """What was taken back."""

    job: str
    partitions: int
    republished: int
    text: str


class Deleted(BaseModel):
    """It is gone."""

    job: str
    deleted: bool


class Asked(BaseModel):
    """A worker that was asked to stop."""

    worker: str
    changed: bool
    text: str


@asynccontextmanager
async def _at_length(place: Place, job: str) -> AsyncIterator[tuple[Connection, UUID]]:
    """For what grows with the job's records; where there is no database it is known soon."""
    async with _found(place, job) as (_, job_id):
        pass
    async with place.ledger.steering() as connection:
        yield connection, job_id


@asynccontextmanager
async def _found(place: Place, job: str) -> AsyncIterator[tuple[Connection, UUID]]:
    async with place.ledger.connection() as connection:
        yield connection, await jobs.find(connection, job)


@router.post("/jobs/{job}/pause", responses={200: {"model": Changed}})
async def pause(place: Here, who: Who, job: Job, body: Reason | None = None) -> Answer:
    """Let no partition start any more; those in hand finish."""
    async with _found(place, job) as (connection, job_id):
        return _done(await operations.pause(connection, job_id, actor=who.actor, reason=(body or Reason()).reason))


@router.post("/jobs/{job}/resume", responses={200: {"model": Changed}})
async def resume(place: Here, who: Who, job: Job, body: Resuming | None = None) -> Answer:
    """Go on where a pause stopped."""
    async with _found(place, job) as (connection, job_id):
        wanted = body or Resuming()
        done = await operations.resume(
            connection, job_id, actor=who.actor, reason=wanted.reason, accept_definition=wanted.accept_definition
        )
        return _done(done)


@router.post("/jobs/{job}/cancel", responses={200: {"model": Changed}})
async def cancel(place: Here, who: Who, job: Job, body: Reason | None = None) -> Answer:
    """Give the job up: nothing starts afterwards."""
    async with _found(place, job) as (connection, job_id):
        return _done(await operations.cancel(connection, job_id, actor=who.actor, reason=(body or Reason()).reason))


@router.post("/jobs/{job}/retry", status_code=202, responses={202: {"model": Retried}})
async def retry(place: Here, who: Who, job: Job, body: Retrying | None = None) -> Answer:
    """Open a job over the failed records of an ended one: all, those of a group, or these."""
    wanted = body or Retrying()
    these = operations.Failed(wanted.error_class, wanted.message, tuple(wanted.record_ids))
    async with _at_length(place, job) as (connection, job_id):
        opened, records = await operations.retry(connection, job_id, actor=who.actor, these=these)
    return Answer({"job": str(opened), "parent": str(job_id), "records": records}, 202)


@router.post("/jobs/{job}/reset-stuck", responses={200: {"model": Reset}})
async def reset_stuck(place: Here, who: Who, job: Job, body: Resetting | None = None) -> Answer:
    """Take partitions back from workers that have gone, and queue what is pending again."""
    async with _at_length(place, job) as (connection, job_id):
        taken, again = await operations.reset_stuck(
            connection, job_id, actor=who.actor, force=(body or Resetting()).force
        )
    text = f"Job {job_id}: {taken:,} partitions taken back, {again:,} messages will be published again."
    return Answer({"job": str(job_id), "partitions": taken, "republished": again, "text": text})


@router.post("/jobs/{job}/refresh-progress", responses={200: {"model": models.Job}})
async def refresh_progress(place: Here, job: Job) -> Answer:
    """Count all of the job's partitions anew, and show it."""
    async with _at_length(place, job) as (connection, job_id):
        await jobs.roll_up(connection, job_id, anew=True)
        return Answer(await shown(connection, job_id))


@router.patch("/jobs/{job}", responses={200: {"model": Changed}})
async def patch(place: Here, who: Who, job: Job, body: Setting) -> Answer:
    """Change how an active job is worked on; running workers obey from their next claim on."""
    async with _at_length(place, job) as (connection, job_id):
        return _done(await operations.set_job(connection, job_id, actor=who.actor, **body.changes()))


@router.delete("/jobs/{job}", responses={200: {"model": Deleted}})
async def delete(place: Here, who: Who, job: Job) -> Answer:
    """Forget an ended job with its partitions and failures; its events stay."""
    async with _at_length(place, job) as (connection, job_id):
        await operations.delete(connection, job_id, actor=who.actor)
    return Answer({"job": str(job_id), "deleted": True})


@router.post("/workers/{worker}/stop", responses={200: {"model": Asked}})
async def stop(
    place: Here, who: Who, worker: Annotated[str, Path(description="An id, or the beginning of one.", max_length=100)]
) -> Answer:
    """Ask a worker to finish what it holds and end."""
    async with place.ledger.connection() as connection:
        found = await workers.find(connection, worker)
        lives = await workers.ask_to_stop(connection, found, actor=who.actor)
    return Answer(
        {"worker": str(found), "changed": lives is not None, "text": f"Worker {found} {workers.ASKED[lives]}."}
    )


def _done(done: operations.Done) -> Answer:
    found: dict[str, Any] = done.as_json()
    return Answer(found)
