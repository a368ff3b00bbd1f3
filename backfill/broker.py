"""Connections to RabbitMQ: every call bounded, every loss an ordinary error.

Plain connections, not the client's self-restoring ones: what must happen after a loss (drop the buffered deliveries,
declare, consume anew) is written where it happens, and a queue that cannot be restored is an error, not a silent loop.
"""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelInvalidStateError,
    ChannelPreconditionFailed,
    ProbableAuthenticationError,
)

from backfill.errors import UnreachableError, UsageError
from backfill.settings import mask

CALL_SECONDS: Final = 10.0

LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, RuntimeError)


# The client logs every lost link with a traceback; what a loss means is said once, by whoever waits for the link.
for _client in ("aiormq", "aio_pika"):
    logging.getLogger(_client).addHandler(logging.NullHandler())


class BrokerLostError(ConnectionError):
    """The link to RabbitMQ broke, stalled or was refused while a call was under way; its effect is unknown."""


@asynccontextmanager
async def bounded(seconds: float = CALL_SECONDS) -> AsyncIterator[None]:
    """Give a broker call a time limit, and every way of losing the link one face: BrokerLostError.

    The client raises a bare CancelledError out of a call when the heartbeat is lost, and an error of its own out of a
    call that is really cancelled. The task's own count of cancel requests tells which of the two it was.
    """
    requests = _cancel_requests()
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        if _cancel_requests() == requests:
            raise BrokerLostError("the link to RabbitMQ was lost") from error
        raise
    except Exception as error:
        # A channel that closes under a call ends it with an Exception of no class of its own.
        if not isinstance(error, LOST) and type(error) is not Exception:
            raise
        if _cancel_requests() > requests:
            raise asyncio.CancelledError from error
        if isinstance(error, BrokerLostError):
            raise
        raise BrokerLostError(str(error) or type(error).__name__) from error


def _cancel_requests() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def check_url(url: str) -> None:
    """Refuse what is no AMQP URL, before any driver sees it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("amqp", "amqps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"RABBITMQ_URL {mask(url)!r} is no AMQP URL; write amqp://user:password@host:5672/vhost")


async def connect(url: str, *, name: str, heartbeat: int) -> AbstractConnection:
    """Open a connection that the management page shows under `name`; raises UnreachableError."""
    check_url(url)
    where = mask(url)
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await aio_pika.connect(
                url,
                timeout=CALL_SECONDS,
                heartbeat=heartbeat,
                client_properties={"connection_name": f"{name}@{socket.gethostname()}"},
            )
    except (AuthenticationError, ProbableAuthenticationError) as error:
        raise UnreachableError(f"RabbitMQ at {where} refuses the login; correct RABBITMQ_URL") from error
    except (AMQPError, OSError, TimeoutError) as error:
        text = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        # The client reports a refused virtual host as the wrong answer to its Connection.Open.
        if "Connection.OpenOk" in text or "NOT_ALLOWED" in text:
            raise UnreachableError(
                f"RabbitMQ at {where} does not let this user into the vhost; create it with permissions, "
                "or correct RABBITMQ_URL"
            ) from error
        raise UnreachableError(
            f"cannot reach RabbitMQ at {where} ({text}); start it, correct RABBITMQ_URL, "
            "or start private services with: backfill services up"
        ) from error


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
    try:
        async with bounded(2):
            await connection.close()
    except BrokerLostError:
        pass


@asynccontextmanager
async def declaring(connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
    """A channel to declare on; a queue that stands with other arguments becomes a sentence."""
    try:
        async with bounded(CALL_SECONDS * 3):
            channel = await connection.channel()
            try:
                yield channel
            finally:
                if not channel.is_closed:
                    await channel.close()
    except BrokerLostError as error:
        cause = error.__cause__
        if isinstance(cause, ChannelPreconditionFailed):
            queue = re.search(r"for queue '([^']+)'", str(cause))
            raise UsageError(
                f"queue {queue[1] if queue else '?'} stands in RabbitMQ with other arguments (406: {cause}); "
                "finish or move what is in it, delete it, and start again"
            ) from cause
        raise UnreachableError(f"RabbitMQ refused to declare the queues ({error}); see its log") from error


@dataclass(frozen=True)
class QueueState:
    """A queue at one moment."""

    ready: int  # messages nobody holds
    consumers: int


async def inspect(connection: AbstractConnection, queue: str) -> QueueState | None:
    """The state of a queue, exact at once; None when there is no such queue.

    A fresh plain channel each time: the broker closes it when the queue is missing.
    """
    async with bounded():
        channel = await connection.channel(publisher_confirms=False)
        try:
            declared = await channel.declare_queue(queue, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return None
        finally:
            if not channel.is_closed:
                await channel.close()
        result = declared.declaration_result
        return QueueState(result.message_count or 0, result.consumer_count or 0)


async def depth(connection: AbstractConnection, queue: str) -> int | None:
    """Messages ready in a queue; None when there is no such queue."""
    state = await inspect(connection, queue)
    return None if state is None else state.ready
