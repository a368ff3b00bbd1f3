"""Go through the messages that a queue holds now, and take some of them out, so that none of the others is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue

from backfill.broker import bounded, inspect
from backfill.failpoints import failpoint
from backfill.modes import Priority
from backfill.publisher import Publisher
from backfill.topology import Topology

BATCH: Final = 50  # messages out of the queue at once


@asynccontextmanager
async def opened(connection: AbstractConnection, queue: str) -> AsyncIterator[AbstractQueue]:
    """A queue on a channel of its own; what was taken and not acknowledged goes back where it was when that closes."""
    async with bounded():
        channel = await connection.channel(publisher_confirms=False)
    try:
        async with bounded():
            found = await channel.get_queue(queue, ensure=False)
        yield found
    finally:
        async with bounded():
            if not channel.is_closed:
                await channel.close()


async def take(queue: AbstractQueue) -> AbstractIncomingMessage | None:
    """The next message, unacknowledged; None when there is none left."""
    async with bounded():
        return await queue.get(no_ack=False, fail=False)


async def ack(message: AbstractIncomingMessage) -> None:
    async with bounded():
        await message.ack()


async def remove(
    connection: AbstractConnection,
    publisher: Publisher,
    topology: Topology,
    priority: Priority,
    is_meant: Callable[[bytes], bool],
) -> int:
    """Take the messages that are meant out of a work queue; the number of them.

    Each of the others is published to the end of the queue, confirmed, and only then acknowledged: killed in between,
    it is there twice, which costs a claim that gives nothing. Giving them back instead would count as a delivery, of
    which the broker allows so many before it calls a message dead. Bounded by what the queue holds at the beginning.
    """
    name, removed = topology.queue(priority), 0
    state = await inspect(connection, name)
    left = 0 if state is None else state.ready
    if not left:
        return 0
    async with opened(connection, name) as queue:
        while left > 0:
            batch: list[AbstractIncomingMessage] = []
            while len(batch) < min(BATCH, left) and (message := await take(queue)) is not None:
                batch.append(message)
            if not batch:
                break
            left -= len(batch)
            others = [one for one in batch if not is_meant(one.body)]
            sending = [publisher.send_again(topology.backfill, one.body, priority) for one in others]
            for error in await asyncio.gather(*sending, return_exceptions=True):
                if isinstance(error, BaseException):
                    raise error
            failpoint("purge.before_ack")
            for one in batch:
                await ack(one)
            removed += len(batch) - len(others)
    return removed
