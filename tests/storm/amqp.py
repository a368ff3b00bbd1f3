"""RabbitMQ as a stranger uses it: with the client library alone."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractConnection

# What the client says of a link or a broker that is not there.
AWAY = (aio_pika.exceptions.AMQPError, ConnectionError, OSError, TimeoutError)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractConnection]:
    connection = await aio_pika.connect(f"{url}?heartbeat=10", timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def depth(connection: AbstractConnection, name: str) -> int:
    """Messages that are ready in a queue; 0 without the queue."""
    channel = await connection.channel()
    try:
        found = await channel.declare_queue(name, passive=True, timeout=10)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return 0
    await channel.close()
    return found.declaration_result.message_count or 0


async def bodies(connection: AbstractConnection, name: str) -> list[bytes]:
    """What is in a queue; it stays there."""
    if not await depth(connection, name):
        return []
    found = []
    channel = await connection.channel()
    queue = await channel.get_queue(name, ensure=False)
    while (message := await queue.get(fail=False, timeout=10)) is not None:
        found.append(message.body)
    return found


async def send(connection: AbstractConnection, exchange: str, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish bodies, each with its routing key."""
    channel = await connection.channel()
    target = await channel.get_exchange(exchange, ensure=False)
    for key, body in messages:
        await target.publish(aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT), key, timeout=5)
