"""Connections to RabbitMQ, and what can be asked and declared on them.

Plain connections, not the client's self-restoring ones: what must happen after a loss (drop the buffered deliveries,
declare, consume anew) is written where it happens, and a queue that cannot be restored is an error, not a silent loop.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from backfill.calls import CALL_SECONDS, BrokerLostError, NotTakenError, bounded
from backfill.cancelling import cancel
from backfill.errors import RefusedError, UsageError
from backfill.nodes import connect

__all__ = ["BrokerLostError", "NotTakenError", "QueueState", "bounded", "connect", "permitted"]

CLOSE_SECONDS: Final = 2.0
# RabbitMQ gives the leader of a quorum queue a quarter of a second to answer, and then says that the queue is empty and
# has no consumer. An answer that says so and took no less may be of a queue that is full: it is asked for again.
DOUBTFUL_SECONDS: Final = 0.2
MOST_LOOKS: Final = 4


@asynccontextmanager
async def connected(url: str, *, name: str, heartbeat: int) -> AsyncIterator[AbstractConnection]:
    """A connection for the length of the block; closing it is bounded too."""
    connection = await connect(url, name=name, heartbeat=heartbeat)
    try:
        yield connection
    finally:
        await close(connection)


async def close(connection: AbstractConnection) -> None:
    """Close, within two seconds, whatever state the link is in."""
    closing = asyncio.ensure_future(connection.close())
    try:
        await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
    finally:
        try:
            # The client passes the first cancellation on to its writer, which waits on for bytes that nobody takes.
            await cancel({closing})
        finally:
            if closing.done() and not closing.cancelled():
                closing.exception()
            # Cut off, it has let go of the link and does not know that it is closed: it would close again, when memory
            # is tidied up. An error of that must not hide a cancellation.
            with suppress(Exception):
                await connection.close()


class StandsOtherwiseError(UsageError):
    """A queue or an exchange of ours is there with other arguments, or is of another type."""

    def __init__(self, cause: ChannelPreconditionFailed) -> None:
        found = re.search(r"for (queue|exchange) '([^']+)'", str(cause))
        kind, self.name = found.groups() if found else ("queue", "?")
        super().__init__(
            f"{kind} {self.name} stands in RabbitMQ with other arguments (406: {cause}); "
            "finish or move what is in it, delete it, and start again"
        )


@asynccontextmanager
async def permitted(seconds: float | None = None) -> AsyncIterator[None]:
    """Bound calls about queues; what the broker does not permit becomes a sentence, a lost link BrokerLostError."""
    try:
        async with bounded(seconds):
            yield
    except BrokerLostError as error:
        cause = error.__cause__
        if isinstance(cause, ChannelPreconditionFailed):
            raise StandsOtherwiseError(cause) from cause
        if isinstance(cause, ChannelAccessRefused):
            raise RefusedError(
                f"RabbitMQ does not permit it ({cause}); give the user of RABBITMQ_URL the permissions to configure, "
                "write and read backfill_.*"
            ) from cause
        raise


@asynccontextmanager
async def declaring(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A channel to declare on."""
    async with permitted(CALL_SECONDS * 3):
        channel = await connection.channel()
        try:
            yield channel
        finally:
            if not channel.is_closed:
                await channel.close()


@dataclass(frozen=True)
class QueueState:
    """A queue at one moment."""

    ready: int  # messages nobody holds
    consumers: int


async def inspect(connection: AbstractConnection, queue: str) -> QueueState | None:
    """The state of a queue, exact at once, unless its leader is slow to answer all looks; None when there is none.

    A fresh plain channel each time: the broker closes it when the queue is missing.
    """
    async with bounded():
        channel = await connection.channel(publisher_confirms=False)
        try:
            for _ in range(MOST_LOOKS):
                asked = time.monotonic()
                result = (await channel.declare_queue(queue, passive=True)).declaration_result
                state = QueueState(result.message_count or 0, result.consumer_count or 0)
                if state.ready or state.consumers or time.monotonic() - asked < DOUBTFUL_SECONDS:
                    break
        except (aio_pika.exceptions.ChannelNotFoundEntity, ValueError):  # the latter of a name that no queue can have
            return None
        finally:
            if not channel.is_closed:
                await channel.close()
        return state


async def depth(connection: AbstractConnection, queue: str) -> int | None:
    """Messages ready in a queue; None when there is no such queue."""
    state = await inspect(connection, queue)
    return None if state is None else state.ready
