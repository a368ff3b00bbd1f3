"""The parts of a worker that works on one job and needs no RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from backfill.ledger import jobs
from backfill.outlet import Nowhere
from backfill.workers.links.feed import Feed
from backfill.workers.links.parts import Link, Parts, Place
from backfill.workers.troubles import Troubles
from backfill.workers.upkeep.closer import Closer
from backfill.workers.upkeep.closing import Closing


def to_the_ledger(job_id: UUID, over: Callable[[], None], look: asyncio.Event) -> Link:
    """Read what is due, and close the job; `over` is called when there is nothing more to do for it here.

    Whoever plans the job sets `look` when that is done, so that its end need not wait for the next tick.
    """

    @asynccontextmanager
    async def link(place: Place) -> AsyncIterator[Parts]:
        async with place.pool.acquire(timeout=10) as connection:
            job = await jobs.read(connection, job_id)
        nowhere = Nowhere()
        feed = Feed(place.pool, job, place.options.concurrency, look)
        closing = Closing(place.settings, place.definitions, Troubles(place.say), place.say)
        yield Parts(feed, nowhere, Closer(place.pool, job_id, closing, look, over))

    return link
