"""Jobs as they are: lists of them, and one with its numbers, once or as a stream."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request

from backfill.database import Connection
from backfill.ledger import jobs as ledger
from backfill.ledger import progress, views
from backfill.ledger.progress import Progress
from backfill.states import ENDED, JobState
from backfill.web.answers import Answer, listed, now
from backfill.web.hub import News
from backfill.web.models import Listed
from backfill.web.models import jobs as models
from backfill.web.place import Cursor, Here, Job, Limit, Place, Text, Who
from backfill.web.streams import Stream, streamed

__all__ = ["found", "router", "shown"]

router = APIRouter(tags=["jobs"])

MOST_NEWS: Final = 50  # events that a stream tells at once


def allowed(job: Progress) -> list[str]:
    """What an operator may do with it now."""
    if job.state in ENDED:
        return [*(["retry"] if job.failed else []), "delete"]
    return ["resume" if job.state is JobState.PAUSED else "pause", "cancel", "reset-stuck", "patch"]


async def shown(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """The job as the API has it, read now."""
    read = await progress.read(connection, job_id)
    return {**read.as_json(), "allowed": allowed(read), "read_at": now()}


async def found(place: Place, job: str) -> UUID:
    """The job of an id, a beginning of one, or latest; raises NotFoundError, or UsageError for several."""
    async with place.ledger.connection() as connection:
        return await ledger.find(connection, job)


@router.get("/jobs", responses={200: {"model": Listed[models.JobRow]}})
async def many(
    place: Here,
    state: Annotated[list[JobState] | None, Query(description="Only in one of these states.")] = None,
    backfill: Annotated[Text | None, Query(max_length=200, description="Only of this backfill.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Answer:
    """Jobs, the newest first; their counts are a second old at most while a worker leads the job."""
    states = [one.value for one in state or ()]
    async with place.ledger.connection() as connection:
        return listed(await views.job_page(connection, states=states, backfill=backfill, cursor=cursor, limit=limit))


@router.get("/jobs/{job}", responses={200: {"model": models.Job}})
async def one(place: Here, job: Job) -> Answer:
    """A job with its numbers, as `backfill status --json` prints it."""
    async with place.ledger.connection() as connection:
        return Answer(await shown(connection, await ledger.find(connection, job)))


@router.get("/jobs/{job}/stream", response_class=Stream, status_code=200)
async def stream(request: Request, place: Here, caller: Who, job: Job) -> Stream:
    """Server-sent events: `job` whenever its numbers change, `event` for what is done to it, `end` when it has ended.

    `problem` says that the database is away; the stream goes on, and with it `job`, when it is back.
    """
    job_id = await found(place, job)
    return await streamed(request, place, caller, ("job", job_id), lambda: _reading(place, job_id))


def _reading(place: Place, job_id: UUID) -> Callable[[], Awaitable[News]]:
    """What reads the job, and what has been done to it since it was read before."""
    last: int | None = None

    async def read() -> News:
        nonlocal last
        async with place.ledger.connection() as connection:
            job = await shown(connection, job_id)
            page = await views.event_page(connection, job_id, cursor=None, limit=MOST_NEWS)
        since, last = last, max((int(one["id"]) for one in page.items), default=0)
        new = [] if since is None else [one for one in reversed(page.items) if int(one["id"]) > since]
        is_last = job["state"] in ENDED and not job["running_partitions"]
        return News("job", job, tuple(("event", one) for one in new), is_last)

    return read
