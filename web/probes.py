"""What machines ask: whether the server lives, whether its services answer, and its measurements."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from backfill import gauges, schema
from backfill.errors import UnreachableError
from backfill.exposition import text
from backfill.gauges import Reading
from backfill.ledger import measures
from backfill.web.ledger import DatabaseAwayError
from backfill.web.link import NONE, UP
from backfill.web.place import Here, Place

__all__ = ["router"]

router = APIRouter(tags=["probes"])

DOWN = "down"
MEASUREMENTS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
async def lives() -> dict[str, str]:
    """200 while the server answers at all."""
    return {"status": "up"}


@router.get("/readyz", response_model=dict[str, str], responses={503: {"model": dict[str, str]}})
async def ready(place: Here) -> JSONResponse:
    """200 when the database and the broker answer, else 503 and which does not; a broker that was not set is `none`."""
    states = {"database": UP, "broker": place.link.says if place.link.says in (UP, NONE) else DOWN}
    try:
        async with place.ledger.connection() as connection:
            await schema.version(connection)
    except UnreachableError:
        states["database"] = DOWN
    return JSONResponse(states, 503 if DOWN in states.values() else 200)


@router.get("/metrics", response_class=Response)
async def measured(place: Here) -> Response:
    """What `backfill metrics` prints; a service that is away is a measurement too."""
    reading = await _read(place)
    return Response(text(lambda: gauges.families(reading)), media_type=MEASUREMENTS)


async def _read(place: Place) -> Reading:
    try:
        async with place.ledger.connection() as connection:
            found = await measures.read(connection)
    except DatabaseAwayError:
        return Reading(None)
    if not place.settings.rabbitmq_url:
        return Reading(found)
    try:
        return await place.link.ask(lambda link: gauges.with_queues(link, place.settings, found))
    except UnreachableError:
        return Reading(found, is_broker_up=False)
