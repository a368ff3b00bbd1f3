"""What machines ask: whether the server lives, whether its services answer, and its measurements."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from backfill import schema
from backfill.errors import BackfillError
from backfill.web.link import UP
from backfill.web.place import Here

__all__ = ["router"]

router = APIRouter(tags=["probes"])


@router.get("/healthz")
async def lives() -> dict[str, str]:
    """200 while the server answers at all."""
    return {"status": "up"}


@router.get("/readyz", response_model=None)
async def ready(place: Here) -> JSONResponse:
    """200 when the database and the broker answer, else 503 and which does not."""
    states = await services(place)
    is_ready = all(said == UP for said in states.values())
    return JSONResponse({name: UP if said == UP else "down" for name, said in states.items()}, 200 if is_ready else 503)


async def services(place: Here) -> dict[str, str]:
    """`up`, or why it is not."""
    database = UP
    try:
        async with place.ledger.connection() as connection:
            await schema.version(connection)
    except BackfillError as error:
        database = str(error)
    return {"database": database, "broker": place.link.says}
