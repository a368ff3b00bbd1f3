"""How a job went and goes: its failures, events, minutes, workers, and whether all is well with it."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Response

from backfill.ledger import jobs as ledger
from backfill.ledger import progress, views
from backfill.web import polling
from backfill.web.answers import Answer, listed, whole
from backfill.web.models import Listed
from backfill.web.models import course as models
from backfill.web.place import Cursor, Here, Job, Limit, Text
from backfill.web.wanted import MOST_OF_A_REASON

__all__ = ["router"]

router = APIRouter(tags=["jobs"])


class Markdown(Response):
    """A text for people."""

    media_type = "text/markdown"


@router.get("/jobs/{job}/failures", responses={200: {"model": Listed[models.Failure]}})
async def failures(
    place: Here,
    job: Job,
    error_class: Annotated[Text | None, Query(max_length=200, description="Only of this class.")] = None,
    message: Annotated[
        Text | None,
        Query(max_length=MOST_OF_A_REASON, description="Only of a group, whose message failures/groups has."),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Answer:
    """Failed records, the newest first, each with its error."""
    async with place.ledger.connection() as connection:
        job_id = await ledger.find(connection, job)
        page = await views.failure_page(
            connection, job_id, error_class=error_class, message=message, cursor=cursor, limit=limit
        )
    return listed(page)


@router.get("/jobs/{job}/failures/groups", responses={200: {"model": models.Groups}})
async def groups(place: Here, job: Job, cursor: Cursor = None, limit: Limit = 100) -> Answer:
    """Failed records by what went wrong, the most first; all pages are of the same failed records."""
    async with place.ledger.connection() as connection:
        job_id = await ledger.find(connection, job)
        return Answer(asdict(await views.failure_groups(connection, job_id, cursor=cursor, limit=limit)))


@router.get("/jobs/{job}/events", responses={200: {"model": Listed[models.Event]}})
async def events(place: Here, job: Job, cursor: Cursor = None, limit: Limit = 50) -> Answer:
    """Who did what to the job, when and why, the newest first."""
    async with place.ledger.connection() as connection:
        job_id = await ledger.find(connection, job)
        return listed(await views.event_page(connection, job_id, cursor=cursor, limit=limit))


@router.get("/jobs/{job}/minutes", responses={200: {"model": models.Minutes}})
async def minutes(
    place: Here, job: Job, minutes: Annotated[int, Query(ge=1, le=1_440, description="So many.")] = 60
) -> Answer:
    """Records by minute, the oldest first, and what changes of settings did to the rate."""
    async with place.ledger.connection() as connection:
        job_id = await ledger.find(connection, job)
        return whole(
            await views.minutes(connection, job_id, minutes), changes=await views.settings_changes(connection, job_id)
        )


@router.get("/jobs/{job}/checklist", responses={200: {"model": models.Checklist}})
async def checklist(place: Here, job: Job) -> Answer:
    """Whether all is well with the job, line by line, each with what was measured."""
    async with place.ledger.connection() as connection:
        return whole(await views.checklist(connection, await ledger.find(connection, job)))


@router.get("/jobs/{job}/workers", responses={200: {"model": Listed[models.JobWorker]}})
async def workers(place: Here, job: Job) -> Answer:
    """Live workers of the job's backfill, and what each has in hand of the job."""
    async with place.ledger.connection() as connection:
        return whole(await views.job_workers(connection, await ledger.find(connection, job)))


@router.get("/jobs/{job}/report", response_class=Markdown)
async def report(place: Here, job: Job) -> Markdown:
    """The job as Markdown, for a ticket or a chat, as `backfill report` prints it."""
    async with place.ledger.connection() as connection:
        return Markdown(views.markdown(await views.report(connection, await ledger.find(connection, job))))


@router.get("/jobs/{job}/task-status", responses={200: {"model": models.TaskStatus}})
async def task_status(place: Here, job: Job) -> Answer:
    """The job in the words of task queues, for programs that poll."""
    async with place.ledger.connection() as connection:
        now = await progress.read(connection, await ledger.find(connection, job))
    return Answer(polling.status(now))
