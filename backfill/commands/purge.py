"""`backfill purge`: throw messages away; the ledger knows what is still to be done."""

from typing import TYPE_CHECKING, Any

import click

from backfill import door
from backfill.actor import actor
from backfill.commands.selection import confirm
from backfill.console import json_option, note, print_json, read_settings, reporting
from backfill.errors import NotFoundError
from backfill.eventloop import run
from backfill.modes import Priority
from backfill.runner import broker, checked, publisher
from backfill.settings import Settings
from backfill.states import ACTIVE
from backfill.texts import clean

if TYPE_CHECKING:
    from uuid import UUID

    from backfill.database import Connection


@click.command(
    epilog="""\b
Examples:
  backfill purge latest
  backfill purge --all --backfill=killmail_values --yes"""
)
@click.argument("job", required=False)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="All messages of all jobs, those too that wait for a retry by this command's BACKFILL_RETRY_DELAYS.",
)
@click.option("--backfill", "asset_name", metavar="NAME", help="With --all: only of this backfill.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def purge(job: str | None, every: bool, asset_name: str | None, yes: bool, as_json: bool) -> None:
    """Throw away the queued messages of JOB; messages only: no partition is lost or ended by it.

    Workers publish again what the ledger calls outstanding, within seconds, or once its producer is done; to end the
    work itself, cancel the job.
    The queues are shared: messages of other jobs stay, and move to the end of the queue. What workers hold, and what is
    dead, stays too; and of a single JOB what waits for a retry.
    """
    if (job is None) != every or (asset_name and not every):
        raise click.UsageError("whose messages? give a JOB, or --all, perhaps with --backfill")
    with reporting():
        settings = read_settings()
        results = run(_purge_all(settings, asset_name, yes=yes) if job is None else _purge_one(settings, job, yes=yes))
        if as_json:
            print_json({"purged": results})
            return
        for result in results:
            door.line(result["text"])
        if not results:
            note("No backfill is selected.")


async def _purge_one(settings: Settings, reference: str, *, yes: bool) -> list[dict[str, Any]]:
    from backfill.errors import ContractError
    from backfill.ledger import jobs
    from backfill.message import decode
    from backfill.sifting import remove
    from backfill.topology import Topology

    async with checked(settings, "purge") as connection:
        job = await jobs.find(connection, reference)
        name = (await jobs.read(connection, job)).backfill
        if not yes:
            confirm(f"purge the messages of job {job} of {name}?")

        def is_meant(body: bytes) -> bool:
            try:
                return decode(body).job_id == job
            except ContractError:
                return False

        async with broker(settings, "purge") as connected, publisher(settings, "purge") as publishing:
            topology = Topology(name, settings.tenant)
            purged = sum([await remove(connected, publishing, topology, one, is_meant) for one in Priority])
        again = await _forget(connection, [job], {"messages": purged})
    text = f"Purged {purged:,} messages of job {job}; {_to_come(again)}"
    return [{"backfill": name, "job": str(job), "messages": purged, "republished": again, "text": text}]


async def _purge_all(settings: Settings, asset_name: str | None, *, yes: bool) -> list[dict[str, Any]]:
    from backfill import queues
    from backfill.ledger import jobs, measures
    from backfill.topology import Topology

    results = []
    async with checked(settings, "purge") as connection:
        known = await measures.names(connection)
        if asset_name is not None and asset_name not in known:
            raise NotFoundError(f"no backfill {clean(asset_name, 100)!r} has a job or a worker; see: backfill queues")
        names = [name for name in known if asset_name in (None, name)]
        if names and not yes:
            confirm(f"purge all messages of {', '.join(names)}?")
        async with broker(settings, "purge") as connected:
            for name in names:
                purged = await queues.purge(connected, Topology(name, settings.tenant), settings.retry_delays)
                active = await jobs.select(connection, [state.value for state in ACTIVE], name, None)
                again = await _forget(connection, [one.id for one in active], {"messages_of_backfill": purged})
                text = f"Purged {purged:,} messages of {name}; {_to_come(again)}"
                results.append({"backfill": name, "job": None, "messages": purged, "republished": again, "text": text})
    return results


async def _forget(connection: "Connection", jobs: "list[UUID]", details: dict[str, Any]) -> int:
    """After the messages have gone: killed in between, lost messages are found by their number."""
    from backfill.ledger import purging

    return sum([await purging.forget(connection, job, actor=actor(), details=details) for job in jobs])


def _to_come(again: int) -> str:
    return f"{again:,} partitions are outstanding, and workers publish them again unless their job is paused."
