"""The queues of a backfill at one moment, and how they are emptied."""

import re
from dataclasses import dataclass

from aio_pika.abc import AbstractConnection

from backfill.broker import bounded, inspect
from backfill.modes import Priority
from backfill.topology import Topology, milliseconds


@dataclass(frozen=True)
class Queues:
    """Counts of messages; of a queue that does not exist there is none."""

    backfill: str
    ready: dict[str, int]  # by priority
    unacknowledged: int | None  # of all three; None: not known
    consumers: dict[str, int]  # by priority
    delayed: dict[int, int]  # by the delay in milliseconds
    dead: int | None


async def look(
    connection: AbstractConnection,
    topology: Topology,
    retry_delays: tuple[float, ...],
    managed: dict[str, int] | None,
) -> Queues:
    """Ask for each queue; the management API's list, where it was had, knows the delays of other programs too."""
    work = {priority: await inspect(connection, topology.queue(priority)) for priority in Priority}
    names = [topology.queue(priority) for priority in Priority]
    delayed = {}
    for delay_ms in delays(topology, retry_delays, managed):
        if (state := await inspect(connection, topology.delay_queue(delay_ms))) is not None:
            delayed[delay_ms] = state.ready
    dead = await inspect(connection, topology.dead_queue)
    return Queues(
        topology.backfill,
        {priority.value: state.ready for priority, state in work.items() if state is not None},
        None if managed is None else sum(managed[name] for name in names if name in managed),
        {priority.value: state.consumers for priority, state in work.items() if state is not None},
        delayed,
        None if dead is None else dead.ready,
    )


def delays(topology: Topology, retry_delays: tuple[float, ...], managed: dict[str, int] | None) -> list[int]:
    """The delays, in milliseconds, that may have a queue."""
    pattern = re.compile(re.escape(topology.delay_queue(0).removesuffix("0ms")) + r"([0-9]+)ms")
    others = {int(found[1]) for name in managed or () if (found := pattern.fullmatch(name))}
    return sorted({milliseconds(seconds) for seconds in retry_delays} | others)


async def purge(connection: AbstractConnection, topology: Topology, retry_delays: tuple[float, ...]) -> int:
    """Empty the work and delay queues of what nobody holds; the number of messages."""
    queues = [topology.queue(priority) for priority in Priority]
    queues += [topology.delay_queue(delay_ms) for delay_ms in delays(topology, retry_delays, None)]
    return sum([await empty(connection, queue) for queue in queues])


async def empty(connection: AbstractConnection, queue: str) -> int:
    """Empty a queue, if it exists, of what nobody holds; the number of messages."""
    if await inspect(connection, queue) is None:
        return 0
    async with bounded():
        channel = await connection.channel(publisher_confirms=False)
        try:
            purged = await (await channel.get_queue(queue, ensure=False)).purge()
        finally:
            if not channel.is_closed:
                await channel.close()
    return purged.message_count or 0
