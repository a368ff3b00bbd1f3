"""What `backfill dead` does with the dead queues of the backfills of a tenant."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from backfill.errors import NotFoundError
from backfill.runner import broker, checked, publisher
from backfill.settings import Settings
from backfill.texts import clean

if TYPE_CHECKING:
    from backfill.database import Connection
    from backfill.dead import DeadMessage

MOST: Final = 1_000_000  # messages of a queue that are looked at


async def letters(
    settings: Settings,
    asset_name: str | None,
    limit: int | None,
    is_meant: "Callable[[DeadMessage], bool] | None" = None,
) -> "list[DeadMessage]":
    """The dead messages of each backfill, or the first that is meant."""
    from backfill import dead

    found: list[DeadMessage] = []
    async with checked(settings, "dead") as connection:
        topologies = await _topologies(connection, settings, asset_name)
    async with broker(settings, "dead") as connected, publisher(settings, "dead") as publishing:
        for topology in topologies:
            async with aclosing(dead.messages(connected, publishing, topology, limit or MOST)) as messages:
                async for one, _ in messages:
                    if is_meant is None:
                        found.append(replace(one, body=b"", headers={}))  # a list shows neither
                    elif is_meant(one):
                        return [one]
    return found


async def redriven(
    settings: Settings, ids: tuple[str, ...], job: str | None, asset_name: str | None
) -> tuple[list[dict[str, Any]], set[str]]:
    """Put back what is chosen: each message with whether that was done, and what to know; and ids not found."""
    from backfill import dead

    results, missing = [], set(ids)
    async with checked(settings, "dead") as connection:
        only = job and await _job(connection, job)
        topologies = await _topologies(connection, settings, asset_name)
        async with broker(settings, "dead") as connected, publisher(settings, "dead") as publishing:
            for topology in topologies:
                async with aclosing(dead.messages(connected, publishing, topology, MOST)) as messages:
                    async for one, take_out in messages:
                        if not _is_chosen(one, ids, only):
                            continue
                        missing.discard(one.id)
                        priority, text = await _fate(connection, one)
                        if priority is not None:
                            await dead.redrive(publishing, one, priority)
                            await take_out()
                        results.append(
                            {
                                "id": one.id,
                                "backfill": one.backfill,
                                "job": one.job,
                                "partition": one.partition,
                                "redriven": priority is not None,
                                "text": f"{one.id}: {text}",
                            }
                        )
    return results, missing


async def thrown_away(
    settings: Settings, ids: tuple[str, ...], job: str | None, asset_name: str | None
) -> tuple[list[dict[str, Any]], set[str]]:
    """Take out what is chosen: how many messages of each backfill; and ids not found."""
    from backfill import dead, queues

    results, missing = [], set(ids)
    async with checked(settings, "dead") as connection:
        only = job and await _job(connection, job)
        topologies = await _topologies(connection, settings, asset_name)
    async with broker(settings, "dead") as connected, publisher(settings, "dead") as publishing:
        for topology in topologies:
            thrown = 0
            if not ids and not only:
                thrown = await queues.empty(connected, topology.dead_queue)
            else:
                async with aclosing(dead.messages(connected, publishing, topology, MOST)) as messages:
                    async for one, take_out in messages:
                        if _is_chosen(one, ids, only):
                            missing.discard(one.id)
                            await take_out()
                            thrown += 1
            results.append({"backfill": topology.backfill, "messages": thrown})
    return results, missing


def _is_chosen(one: "DeadMessage", ids: tuple[str, ...], job: str | None) -> bool:
    """By its id, by its job, or with all others."""
    return (not ids or one.id in ids) and (not job or one.job == job)


async def _topologies(connection: "Connection", settings: Settings, asset_name: str | None) -> list[Any]:
    from backfill.ledger import measures
    from backfill.topology import Topology

    names = await measures.names(connection)
    if asset_name is not None and asset_name not in names:
        raise NotFoundError(f"no backfill {clean(asset_name, 100)!r} has a job or a worker; see: backfill queues")
    return [Topology(name, settings.tenant) for name in names if asset_name in (None, name)]


async def _job(connection: "Connection", reference: str) -> str:
    """The id of a job, which the ledger need not know when it is given whole."""
    from backfill.ledger import jobs

    try:
        return str(UUID(reference))
    except ValueError:
        return str(await jobs.find(connection, reference))


async def _fate(connection: "Connection", one: "DeadMessage") -> tuple[Any, str]:
    """The priority under which a message is to be put back, None when it must stay, and what to know of it."""
    from backfill.ledger import partitions
    from backfill.modes import Priority
    from backfill.states import ACTIVE

    message = one.message
    if message is None:
        return None, f"stays: it cannot be read ({one.why}); purge it"
    row = await partitions.refusal(connection, message)
    if (
        row is None
        or row["partition_state"] is None
        or {row["asset_name"], message.backfill} != {one.backfill}
        or row["mode"] != message.mode
    ):
        return None, f"stays: the ledger knows no partition {message.partition_key} of job {message.job_id}; purge it"
    where, state = f"partition {message.partition_key} of job {message.job_id}", row["partition_state"]
    priority = Priority(row["priority"])
    if row["job_state"] not in ACTIVE and state == "pending":
        return priority, f"put back, but job {message.job_id} is {row['job_state']}; a worker drops the message"
    if state == "failed":
        return priority, (
            f"put back, but {where} has failed and stays failed; "
            f"try its records again with: backfill retry {message.job_id}"
        )
    if state in ("completed", "skipped"):
        return priority, f"put back, but {where} is {state}; a worker drops the message"
    return priority, f"put back; {where} is {state}"


def refuse_missing(missing: set[str]) -> None:
    """Say which were not there, when all others are done."""
    if missing:
        names = ", ".join(clean(one, 100) for one in sorted(missing)[:5])
        raise NotFoundError(f"no dead message {names}; see: backfill dead list")
