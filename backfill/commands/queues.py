"""`backfill queues`: what waits in RabbitMQ."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from backfill import door
from backfill.commands.table import print_table
from backfill.console import json_option, note, print_json, read_settings, reporting
from backfill.errors import BackfillError
from backfill.eventloop import run
from backfill.runner import broker, checked
from backfill.settings import Settings

if TYPE_CHECKING:
    from backfill.queues import Queues

COLUMNS = ("backfill", "ready", "high", "low", "unacknowledged", "consumers", "delayed", "dead")


@click.command()
@json_option
def queues(as_json: bool) -> None:
    """Show the queues of each backfill: messages ready, unacknowledged, delayed and dead, and consumers.

    `ready` is the normal queue, `high` and `low` are the others. Unacknowledged messages are told by the management
    API alone (RABBITMQ_MANAGEMENT_URL), some seconds late; a - is a queue that does not exist, or what nobody told.
    """
    with reporting():
        found = run(_read(read_settings()))
        if as_json:
            print_json({"queues": [asdict(one) for one in found]})
        elif not found:
            door.line("No backfill has had a job or a worker yet.")
        else:
            print_table(COLUMNS, [_row(one) for one in found])


async def _read(settings: Settings) -> "list[Queues]":
    from backfill.ledger import measures
    from backfill.queues import look
    from backfill.topology import Topology

    async with checked(settings, "queues") as connection:
        names = await measures.names(connection)
    if not names:
        return []
    managed = await _managed(settings)
    async with broker(settings, "queues") as connected:
        return [
            await look(connected, Topology(name, settings.tenant), settings.retry_delays, managed) for name in names
        ]


async def _managed(settings: Settings) -> dict[str, int] | None:
    from backfill.management import unacknowledged

    if not settings.rabbitmq_management_url:
        return None
    try:
        return await unacknowledged(settings.rabbitmq_management_url, settings.rabbitmq_url)
    except BackfillError as error:
        note(f"warning: {error}")
        return None


def _row(one: "Queues") -> list[str]:
    delayed = [f"{count:,} for {delay_ms / 1000:g} s" for delay_ms, count in one.delayed.items() if count]
    return [
        one.backfill,
        _count(one.ready.get("normal")),
        _count(one.ready.get("high")),
        _count(one.ready.get("low")),
        _count(one.unacknowledged),
        _count(sum(one.consumers.values()) if one.consumers else None),
        ", ".join(delayed) or ("0" if one.delayed else "-"),
        _count(one.dead),
    ]


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
