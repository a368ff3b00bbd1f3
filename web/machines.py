"""Workers and queues: who works, and what waits in RabbitMQ."""

from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from backfill import dead, queues
from backfill.errors import BackfillError, NotFoundError
from backfill.ledger import measures, views
from backfill.ledger import workers as seats
from backfill.management import unacknowledged
from backfill.publisher import Publisher
from backfill.topology import Topology
from backfill.web import models
from backfill.web.answers import Answer, whole
from backfill.web.place import MOST_OF_A_PAGE, Here, Place, Text

__all__ = ["router"]

router = APIRouter(tags=["workers and queues"])

QUEUES_SECONDS: Final = 2.0
# Whoever looks takes the messages and gives them back, which the broker counts.
DEAD_SECONDS: Final = 10.0


@router.get("/workers", responses={200: {"model": models.Listed[models.Worker]}})
async def workers(place: Here) -> Answer:
    """Workers that have not ended in order, the oldest first; those that are gone for a day."""
    async with place.ledger.connection() as connection:
        return whole(await seats.listed(connection))


@router.get("/queues", responses={200: {"model": models.Queues}})
async def waiting(place: Here) -> Answer:
    """The queues of each backfill now, and minute by minute of the last hour."""
    return Answer(await place.kept.get("queues", QUEUES_SECONDS, lambda: _queues(place)))


@router.get("/dead", responses={200: {"model": models.Listed[models.Dead]}})
async def buried(
    place: Here,
    backfill: Annotated[Text | None, Query(max_length=200, description="Only of this backfill.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_OF_A_PAGE, description="At most so many of a queue.")] = 50,
) -> Answer:
    """Messages of the dead queues, the oldest first; as they were some seconds ago."""
    found = await place.kept.get(("dead", backfill, limit), DEAD_SECONDS, lambda: _dead(place, backfill, limit))
    return whole(found)


async def _queues(place: Place) -> dict[str, Any]:
    async with place.ledger.connection() as connection:
        names = await measures.names(connection)
        minutes = {one["backfill"]: one["minutes"] for one in await views.depths(connection)}
    managed, error = await _managed(place)
    async with place.link.connection() as connection:
        found = [
            await queues.look(connection, Topology(name, place.settings.tenant), place.settings.retry_delays, managed)
            for name in names
        ]
    items = [{**asdict(one), "minutes": minutes.get(one.backfill, [])} for one in found]
    source = "amqp" if managed is None else "management"
    return {"items": items, "next_cursor": None, "from": source, "error": error}


async def _managed(place: Place) -> tuple[dict[str, int] | None, str | None]:
    """What the management API tells, or why it does not."""
    if not place.settings.rabbitmq_management_url:
        return None, None
    try:
        return await unacknowledged(place.settings.rabbitmq_management_url, place.settings.rabbitmq_url), None
    except BackfillError as error:
        return None, str(error)


async def _dead(place: Place, backfill: str | None, limit: int) -> list[dict[str, Any]]:
    async with place.ledger.connection() as connection:
        names = await measures.names(connection)
    if backfill is not None and backfill not in names:
        raise NotFoundError(f"no backfill {backfill!r} has had a job or a worker; see: GET /queues")
    publisher = Publisher(
        place.settings.need_broker(),
        name="backfill-serve publish",
        heartbeat=place.settings.heartbeat,
        retry_delays=place.settings.retry_delays,
        tenant=place.settings.tenant,
    )
    found = []
    try:
        async with place.link.connection() as connection:
            for name in names if backfill is None else [backfill]:
                topology = Topology(name, place.settings.tenant)
                async with aclosing(dead.messages(connection, publisher, topology, limit)) as messages:
                    async for one, _ in messages:
                        found.append({key: getattr(one, key) for key in models.Dead.model_fields})
    finally:
        await publisher.close()
    return found
