"""Workers and queues: who works, and what waits in RabbitMQ."""

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from time import monotonic
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID, uuid4

from aio_pika.abc import AbstractConnection
from fastapi import APIRouter, Query

from backfill import dead, queues
from backfill.cancelling import cancel
from backfill.errors import BackfillError, NotFoundError, UsageError
from backfill.ledger import measures, views
from backfill.ledger import workers as seats
from backfill.ledger.views import cursor as cursors
from backfill.ledger.views.cursor import moment
from backfill.management import unacknowledged
from backfill.publisher import Publisher
from backfill.topology import Topology
from backfill.web.answers import Answer, paged
from backfill.web.models import Listed
from backfill.web.models import machines as models
from backfill.web.place import MOST_OF_A_PAGE, Cursor, Here, Limit, Place, Text

__all__ = ["router"]

router = APIRouter(tags=["workers and queues"])

QUEUES_SECONDS: Final = 2.0
MANAGED_SECONDS: Final = 2.0
# Whoever looks takes the messages and gives them back, which the broker counts.
DEAD_SECONDS: Final = 10.0
LOOKED_AT_SECONDS: Final = 120.0  # as long further pages of a look may be had
LOOK_SECONDS: Final = 3.0
MOST_DEAD: Final = 200  # of a queue
# For all that one answer asks for.
ANSWER_SECONDS: Final = 4.5


@router.get("/workers", responses={200: {"model": Listed[models.Worker]}})
async def workers(place: Here, cursor: Cursor = None, limit: Limit = MOST_OF_A_PAGE) -> Answer:
    """Workers that have not ended in order, the oldest first; those that are gone for a day."""
    async with place.ledger.connection() as connection:
        found = [asdict(one) for one in await seats.listed(connection)]
    return paged("workers", found, {"started_at": moment, "id": UUID}, cursor, limit)


@router.get("/queues", responses={200: {"model": models.Queues}})
async def waiting(place: Here, cursor: Cursor = None, limit: Limit = MOST_OF_A_PAGE) -> Answer:
    """The queues of each backfill now, and minute by minute of the last hour."""
    items, more = await place.kept.get("queues", QUEUES_SECONDS, lambda: _queues(place))
    return paged("queues", items, {"backfill": str}, cursor, limit, **more)


@router.get("/dead", responses={200: {"model": Listed[models.Dead]}})
async def buried(
    place: Here,
    backfill: Annotated[Text | None, Query(max_length=200, description="Only of this backfill.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Answer:
    """The oldest 200 messages of each dead queue, the oldest first; as they were some seconds ago.

    Further pages are of the look that the first one was of, within two minutes.
    """
    if cursor is None:
        look, found = await place.kept.get(("dead", backfill), DEAD_SECONDS, lambda: _look(place, backfill))
        begins = 0
    else:
        look, begins = cursors.decode("dead", cursor, (str, cursors.number))
        found = await place.kept.get(("look", look), LOOKED_AT_SECONDS, _forgotten)
    ends = begins + limit
    following = cursors.encode("dead", look, ends) if ends < len(found) else None
    return Answer({"items": found[begins:ends], "next_cursor": following})


async def _forgotten() -> NoReturn:
    raise UsageError("this look at the dead queues is over; begin without a cursor")


async def _look(place: Place, backfill: str | None) -> tuple[str, list[dict[str, Any]]]:
    """What it is known by, and what it has found."""
    found, name = await _dead(place, backfill), uuid4().hex

    async def have() -> list[dict[str, Any]]:
        return found

    await place.kept.get(("look", name), LOOKED_AT_SECONDS, have)
    return name, found


async def _queues(place: Place) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    until = monotonic() + ANSWER_SECONDS
    asked = asyncio.create_task(_managed(place), name="the management API")  # beside the ledger
    try:
        async with place.ledger.connection() as connection:
            names = await measures.names(connection)
            minutes = {one["backfill"]: one["minutes"] for one in await views.depths(connection)}
        managed, error = await asked
    finally:
        await cancel({asked})

    async def looked(link: AbstractConnection) -> list[queues.Queues]:
        tenant, delays = place.settings.tenant, place.settings.retry_delays
        return [await queues.look(link, Topology(name, tenant), delays, managed) for name in names]

    found = await place.link.ask(looked, until - monotonic())
    items = [{**asdict(one), "minutes": minutes.get(one.backfill, [])} for one in found]
    return items, {"from": "amqp" if managed is None else "management", "error": error}


async def _managed(place: Place) -> tuple[dict[str, int] | None, str | None]:
    """What the management API tells, or why it does not."""
    url = place.settings.rabbitmq_management_url
    if not url:
        return None, None
    try:
        return await unacknowledged(url, place.settings.rabbitmq_url, MANAGED_SECONDS), None
    except BackfillError as error:
        return None, str(error)


async def _dead(place: Place, backfill: str | None) -> list[dict[str, Any]]:
    until = monotonic() + ANSWER_SECONDS
    async with place.ledger.connection() as connection:
        names = await measures.names(connection)
    if backfill is not None and backfill not in names:
        raise NotFoundError(f"no backfill {backfill!r} has had a job or a worker; see: GET /queues")
    return await place.link.ask(
        lambda link: _looked_at(place, link, names if backfill is None else [backfill]), until - monotonic()
    )


async def _looked_at(place: Place, link: AbstractConnection, names: list[str]) -> list[dict[str, Any]]:
    """What is had in three seconds, of long queues of a broker that is far away."""
    found, until = [], monotonic() + LOOK_SECONDS
    publisher = Publisher(
        place.settings.need_broker(),
        name="backfill-serve publish",
        heartbeat=place.settings.heartbeat,
        retry_delays=place.settings.retry_delays,
        tenant=place.settings.tenant,
    )
    try:
        for name in names:
            topology = Topology(name, place.settings.tenant)
            async with aclosing(dead.messages(link, publisher, topology, MOST_DEAD)) as messages:
                async for one, _ in messages:
                    found.append({key: getattr(one, key) for key in models.Dead.model_fields})
                    if monotonic() > until:
                        break
    finally:
        await publisher.close()
    return found
