"""`backfill metrics`: what the ledger and the queues say, in the Prometheus text format."""

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Final

import click

from backfill import door
from backfill.console import note, read_settings, reporting
from backfill.errors import BackfillError, UnreachableError
from backfill.eventloop import run
from backfill.runner import checked
from backfill.settings import Settings

if TYPE_CHECKING:
    from backfill.gauges import Reading
    from backfill.ledger.measures import Measures

SCRAPE_SECONDS: Final = 30


@click.command(
    epilog="""\b
Examples:
  backfill metrics > /var/lib/prometheus/node-exporter/backfill.prom
  backfill metrics --listen 9399"""
)
@click.option("--listen", type=click.IntRange(0, 65535), metavar="PORT", help="Serve them; 0 takes a free port.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
def metrics(listen: int | None, host: str) -> None:
    """Print the metrics of jobs and queues once, or serve them until stopped.

    What workers do is told by each worker: backfill-worker --metrics-port.
    """
    with reporting():
        from backfill import database, exposition, gauges, nodes

        settings = read_settings()
        database.check_url(settings.need_database())
        if settings.rabbitmq_url:
            nodes.addresses(settings.rabbitmq_url)
        else:
            note("RABBITMQ_URL is not set: no metrics of queues")
        if listen is None:
            reading = run(read(settings))
            door.lines(exposition.text(lambda: gauges.families(reading)))
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        with exposition.serving(lambda: gauges.families(_read_or_note(settings)), host, listen) as url:
            door.line(f"Metrics: {url}")
            stopped.wait()


def _read_or_note(settings: Settings) -> "Reading":
    """For a scrape: an unreachable database is a measurement too."""
    from backfill.gauges import Reading

    try:
        return run(read(settings))
    except BackfillError as error:
        note(f"error: {error}")
        return Reading(None)


async def read(settings: Settings) -> "Reading":
    """Measure on connections of its own; raises UnreachableError or SchemaError when the ledger cannot be read."""
    from backfill.ledger import measures

    try:
        async with asyncio.timeout(SCRAPE_SECONDS), checked(settings, "metrics") as connection:
            measured = await measures.read(connection)
    except TimeoutError as error:
        raise UnreachableError(f"PostgreSQL did not answer within {SCRAPE_SECONDS} s; see what it does") from error
    return await _with_queues(settings, measured)


async def _with_queues(settings: Settings, measured: "Measures") -> "Reading":
    from backfill import broker, gauges
    from backfill.gauges import Reading

    if not settings.rabbitmq_url:
        return Reading(measured)
    try:
        async with broker.connected(
            settings.rabbitmq_url, name="backfill-metrics", heartbeat=settings.heartbeat
        ) as connection:
            return await gauges.with_queues(connection, settings, measured)
    except (UnreachableError, broker.BrokerLostError) as error:
        note(f"error: {error}")
        return Reading(measured, is_broker_up=False)
