"""All of the tenant's work at one look, with the server itself; it answers whatever is away, and says what."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from backfill import __version__
from backfill.ledger import views
from backfill.states import JobState
from backfill.web.answers import Answer
from backfill.web.hub import News
from backfill.web.ledger import DatabaseAwayError
from backfill.web.link import UP
from backfill.web.models import overview as models
from backfill.web.place import Here, Place, Who
from backfill.web.streams import Stream, streamed

__all__ = ["router"]

router = APIRouter(tags=["overview"])

NOTHING: dict[str, Any] = {
    "jobs": {},
    "active": [],
    "attention": [],
    "workers": {"live": 0, "gone": 0, "items": []},
    "last_success": [],
    "depths": [],
    "read_at": None,
}


@router.get("/overview", responses={200: {"model": models.Overview}})
async def overview(place: Here) -> Answer:
    """Jobs by state, those that are active, what needs attention, workers, queues, and the server."""
    return Answer(await _read(place))


@router.get("/stream", response_class=Stream, status_code=200)
async def stream(request: Request, place: Here, caller: Who) -> Stream:
    """Server-sent events: `overview` whenever something of it changes."""

    async def read() -> News:
        return News("overview", await _read(place))

    return await streamed(request, place, caller, "overview", lambda: read)


async def _read(place: Place) -> dict[str, Any]:
    database = UP
    try:
        async with place.ledger.connection() as connection:
            found = await views.overview(connection)
    except DatabaseAwayError as error:
        found, database = NOTHING | {"jobs": dict.fromkeys(JobState, 0)}, str(error)
    return {
        **found,
        "server": {
            "version": __version__,
            "started_at": place.started_at,
            "tenant": place.settings.tenant,
            "now": datetime.now(UTC),
            "database": database,
            "broker": place.link.says,
        },
    }
