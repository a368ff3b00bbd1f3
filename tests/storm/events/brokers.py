"""What happens to RabbitMQ, and what strangers put into its queues."""

import asyncio
import json
import urllib.error
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from backfill.message import PartitionMessage
from backfill.modes import Mode, Priority
from backfill.topology import Topology
from tests.storm import amqp
from tests.storm.storm import Storm
from tests.support.broker import call

TOPOLOGY = Topology("storm")


def _queues(dice: Random) -> str:
    names = [TOPOLOGY.queue(Priority.NORMAL)] * 4 + [TOPOLOGY.queue(Priority.HIGH), TOPOLOGY.delay_queue(200)]
    return dice.choice(names)


async def purge_queue(storm: Storm, dice: Random) -> None:
    _manage(storm, "DELETE", f"/queues/{storm.place.vhost}/{_queues(dice)}/contents")


async def delete_queue(storm: Storm, dice: Random) -> None:
    _manage(storm, "DELETE", f"/queues/{storm.place.vhost}/{_queues(dice)}")


async def cut_broker_links(storm: Storm, dice: Random) -> None:
    """Each link with a chance, as the management page can."""
    for link in _manage(storm, "GET", f"/vhosts/{storm.place.vhost}/connections") or ():
        if dice.random() < 0.7:
            _manage(storm, "DELETE", f"/connections/{quote(link['name'], safe='')}")


def _manage(storm: Storm, method: str, path: str) -> Any:
    try:
        return call(storm.place.management_url, method, path)
    except (urllib.error.URLError, OSError) as error:  # not there yet, or not any more
        storm.note(f"{method} {path}: {error}")
        return None


async def send_duplicates(storm: Storm, dice: Random) -> None:
    """Every partition's message once more or twice, in any order."""
    bodies = await messages(storm, dice) * dice.randint(1, 2)
    dice.shuffle(bodies)
    await send(storm, bodies, [Priority.NORMAL, Priority.NORMAL, Priority.HIGH], dice)


async def messages(storm: Storm, dice: Random, ids: list[int] | None = None) -> list[bytes]:
    """A message for each partition, or for those with these ids."""
    rows = await storm.fetch(
        "SELECT j.id, j.mode, p.partition_key, p.record_ids FROM backfill_partitions p "
        "JOIN backfill_jobs j ON j.id = p.backfill_job_id WHERE $1::bigint[] IS NULL OR p.id = ANY ($1)",
        ids,
    )
    return [
        PartitionMessage(
            job_id=row["id"],
            backfill="storm",
            mode=Mode(row["mode"]),
            partition_key=row["partition_key"],
            attempt=dice.randint(0, 9),
            ids=tuple(row["record_ids"]),
        ).encode()
        for row in rows
    ]


async def send_garbage(storm: Storm, dice: Random) -> None:
    """Bodies that are no message, and messages of what never was."""
    jobs = await storm.fetch("SELECT id, mode FROM backfill_jobs ORDER BY created_at DESC LIMIT 1")
    job, mode = (jobs[0]["id"], Mode(jobs[0]["mode"])) if jobs else (uuid4(), Mode.ALL)

    def message(job_id: UUID, mode: Mode, partition: str, backfill: str = "storm") -> bytes:
        return PartitionMessage(
            job_id=job_id, backfill=backfill, mode=mode, partition_key=partition, ids=("1",)
        ).encode()

    other = Mode.ZERO if mode is not Mode.ZERO else Mode.NULL
    bodies = [
        b"",
        b"\xff\xfe",
        b"{",
        b"null",
        b'{"version": 2}',
        b"x" * 100_000,
        json.dumps({"version": 1, "job": "no", "backfill": "storm", "mode": "all", "partition": "1"}).encode(),
        message(uuid4(), mode, "000000001"),
        message(job, mode, "999999999"),
        message(job, other, "000000001"),
        message(job, mode, "000000001", backfill="another"),
    ]
    chosen = dice.sample(bodies, dice.randint(1, len(bodies)))
    storm.garbage |= set(chosen)
    await send(storm, chosen, [Priority.NORMAL, Priority.HIGH], dice)


async def send(storm: Storm, bodies: list[bytes], priorities: list[Priority], dice: Random) -> None:
    keys = [Topology.routing_key(dice.choice(priorities)) for _ in bodies]
    try:
        async with amqp.connected(storm.place.amqp_url) as connection:
            await amqp.send(connection, TOPOLOGY.exchange("work"), zip(keys, bodies, strict=True))
    except amqp.AWAY as error:  # not declared yet, for one
        storm.note(f"not all was sent: {type(error).__name__}: {error}")


async def restart_rabbitmq(storm: Storm, dice: Random) -> None:
    assert storm.place.rabbitmq
    async with storm.restarting:
        # Not killed: RabbitMQ 3.10 forgets the leader of a queue that was declared in the second before.
        await asyncio.to_thread(storm.place.rabbitmq.stop)
        await asyncio.to_thread(storm.place.rabbitmq.start)
