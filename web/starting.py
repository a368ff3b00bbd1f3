"""Jobs that are opened, or shown as they would be; and records that are worked off in the request."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field, create_model

from backfill import application, parameters
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.ledger.jobs import Request
from backfill.web.answers import Answer
from backfill.web.guard import API
from backfill.web.jobs import shown
from backfill.web.ledger import DatabaseAwayError
from backfill.web.models import jobs as models
from backfill.web.place import Here, Place, Text, Who
from backfill.web.wanted import MOST_OF_A_KEY, Opening

__all__ = ["router"]

MOST_OF_A_CALL: Final = 100_000

router = APIRouter(tags=["jobs"])


class Unseen(BaseModel):
    """A job that is there, and cannot be shown: the database has gone away since."""

    job: str
    warnings: list[str]


class NoJob(BaseModel):
    """No record matched."""

    job: None
    matched: int
    warnings: list[str]


OpenedJob = create_model(
    "OpenedJob",
    __base__=models.Job,
    __doc__="A job, and what was said when it was opened.",
    warnings=(list[str], Field(description="What whoever wanted it should know; the job is there all the same.")),
)


class DryRun(BaseModel):
    """What a job would be."""

    backfill: str
    mode: str
    parameters: dict[str, Any]
    matched: int = Field(description="Records.")
    matched_is_estimate: bool
    batch_size: int
    predicate: str
    query_plan: list[str]
    warnings: list[str]
    missing: list[str] = Field(description="What the definition requires and was not completed.")
    dry_run: bool


class Processed(BaseModel):
    """What became of records in this call."""

    processed: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    deleted: int
    remaining: int = Field(description="Records of jobs that can be worked on, as far as they are planned.")
    jobs: list[str]


@router.post(
    "/jobs",
    status_code=202,
    responses={
        202: {"model": OpenedJob | Unseen, "description": "The job was opened; its planning goes on."},
        200: {
            "model": OpenedJob | Unseen | DryRun | NoJob,
            "description": "A dry run, a key that was used, or nothing to do.",
        },
    },
)
async def start(
    http: HttpRequest,
    place: Here,
    who: Who,
    wanted: Opening,
    idempotency_key: Annotated[str | None, Header(max_length=MOST_OF_A_KEY)] = None,
) -> Answer:
    """Open a job and return; its planning goes on here, or on another server if this one ends."""
    if None not in (wanted.idempotency_key, idempotency_key) and wanted.idempotency_key != idempotency_key:
        raise UsageError("the header Idempotency-Key and idempotency_key are different; give one of them")
    async with place.ledger.connection():  # answers soon where there is no database
        pass
    key = wanted.idempotency_key if idempotency_key is None else idempotency_key
    definition, request = _read(place, wanted, key)
    if wanted.dry_run:
        return Answer(await place.planning.dry_run(definition, request, _left(http)))
    if place.settings.rabbitmq_url:
        place.link.need()  # the same of the broker, before a job is opened
    opened = await place.planning.open(definition, request, who.actor)
    if opened.job_id is None:
        return Answer({"job": None, "matched": 0, "warnings": opened.warnings})
    try:
        async with place.ledger.connection() as connection:
            job = await shown(connection, opened.job_id)
    except DatabaseAwayError:  # it is there all the same, and whoever hears that it is not opens another one
        job = {"job": str(opened.job_id)}
    job |= {"warnings": opened.warnings}
    if not opened.is_new:
        return Answer(job)
    return Answer(job, 202, headers={"Location": f"{http.scope.get('root_path', '')}{API}/jobs/{opened.job_id}"})


@router.post("/process", responses={200: {"model": Processed}})
async def process(
    place: Here,
    who: Who,
    limit: Annotated[int, Query(ge=1, le=MOST_OF_A_CALL, description="Records, at most.")] = 50,
    backfill: Annotated[Text | None, Query(max_length=100)] = None,
) -> Answer:
    """Work off exactly up to so many records in this request, in a process of its own; for cron and the like."""
    definitions = _definitions(place)
    if backfill is not None:
        application.pick(definitions, backfill)
    async with place.ledger.connection():
        pass
    return Answer(await place.processing.work(limit, backfill, who.actor))


async def _left(http: HttpRequest) -> None:
    """Until the client has gone."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


def _definitions(place: Place) -> dict[str, Definition]:
    if place.why_none is not None:
        raise UsageError(place.why_none)
    return dict(place.definitions)


def _read(place: Place, wanted: Opening, key: str | None) -> tuple[Definition, Request]:
    """Raises UsageError for what makes no sense."""
    definition = application.pick(_definitions(place), wanted.backfill)
    definition = parameters.chosen(definition, wanted.parameters)
    request = Request(
        wanted.mode or definition.mode,
        wanted.priority,
        wanted.order,
        wanted.batch_size or definition.batch_size,
        wanted.limit,
        tuple(wanted.ids),
        wanted.after,
        key,
        wanted.deadline,
        wanted.max_workers or None,
        wanted.pause_ms,
    )
    return definition, request
