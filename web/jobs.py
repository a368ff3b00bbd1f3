"""Jobs as they are: lists of them, and one with its numbers, once or as a stream."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter

from backfill.database import Connection
from backfill.ledger import jobs as ledger
from backfill.ledger import progress
from backfill.ledger.progress import Progress
from backfill.states import ACTIVE, ENDED, JobState
from backfill.web import models
from backfill.web.answers import Answer, now
from backfill.web.place import Here, Job

__all__ = ["router", "shown"]

router = APIRouter(tags=["jobs"])


def allowed(job: Progress) -> list[str]:
    """What an operator may do with it now."""
    if job.state in ENDED:
        return [*(["retry"] if job.failed else []), "delete"]
    first = "resume" if job.state is JobState.PAUSED else "pause"
    assert job.state in ACTIVE  # noqa: S101 - there are no others
    return [first, "cancel", "reset-stuck", "patch"]


async def shown(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """The job as the API has it, read now."""
    found = await progress.read(connection, job_id)
    return {**found.as_json(), "allowed": allowed(found), "read_at": now()}


@router.get("/jobs/{job}", responses={200: {"model": models.Job}})
async def one(place: Here, job: Job) -> Answer:
    """A job with its numbers, as `backfill status --json` prints it."""
    async with place.ledger.connection() as connection:
        return Answer(await shown(connection, await ledger.find(connection, job)))
