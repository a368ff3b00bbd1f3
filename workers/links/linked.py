"""The parts of a worker that RabbitMQ tells what to do."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial

from backfill.log import warn
from backfill.publisher import Publisher
from backfill.workers.links import readiness
from backfill.workers.links.intake import Intake
from backfill.workers.links.parts import Parts, Place
from backfill.workers.upkeep.reconciler import Reconciler


@asynccontextmanager
async def to_rabbitmq(place: Place) -> AsyncIterator[Parts]:
    """Consume from queues, publish into them, reconcile both with the ledger; raises UsageError where no URL is set."""
    settings, url, warning = place.settings, place.settings.need_broker(), partial(warn, place.say)
    async with place.pool.acquire(timeout=10) as connection:
        async for sentence in readiness.warnings(connection, place.definitions):
            place.say(f"warning: {sentence}")
    publisher = Publisher(
        url,
        name=f"{place.name} publish",
        heartbeat=settings.heartbeat,
        retry_delays=settings.retry_delays,
        tenant=settings.tenant,
        say=warning,
    )
    intake = Intake(
        settings, url, list(place.definitions), prefetch=place.options.prefetch, name=place.name, say=warning
    )
    reconciler = Reconciler(settings, url, place.pool, publisher, place.definitions, place.worker, place.say)
    with ExitStack() as stack:
        if place.options.metrics:
            from backfill.workers import metrics  # needs an extra

            serving = metrics.serving(*place.options.metrics, place.stats, intake, publisher, reconciler)
            place.say(f"Metrics: {stack.enter_context(serving)}")
        try:
            yield Parts(intake, publisher, reconciler)
        finally:
            await publisher.close()
