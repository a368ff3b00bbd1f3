"""Reports of other backfills, and of our own, as the monitor makes them of the profiles that the server was given."""

from typing import Annotated

from fastapi import APIRouter, Path

from backfill.web.answers import Answer, whole
from backfill.web.models import Listed
from backfill.web.models.monitor import MonitorRow, MonitorView
from backfill.web.place import Here

__all__ = ["router"]

router = APIRouter(tags=["monitor"])

OF_A_ROW = ("title", "state", "level", "headline", "at")


@router.get("/monitor", responses={200: {"model": Listed[MonitorRow]}})
async def watched(place: Here) -> Answer:
    """The profiles that this server was given, each with what its newest report says first."""
    return whole(
        {
            "name": one.name,
            **dict.fromkeys(OF_A_ROW),
            "title": one.title,
            **{name: value for name, value in (one.report or {}).items() if name in OF_A_ROW},
            "age_seconds": one.age_seconds,
        }
        for one in await place.looks.all()
    )


@router.get("/monitor/{name}", responses={200: {"model": MonitorView}})
async def report(place: Here, name: Annotated[str, Path(description="A profile's name.", max_length=200)]) -> Answer:
    """The newest report of a profile; a look is made at most every 30 seconds, and only while somebody asks."""
    found = await place.looks.of(name)
    return Answer({"name": found.name, "age_seconds": found.age_seconds, **(found.report or {})})
