"""Many messages at once, with properties that no client would write, and what a process takes of memory meanwhile."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import psutil
from aiormq.abc import ChannelFrame

from backfill import broker

MEBIBYTE = 1_048_576
PLAIN = b"\x10\x00\x02"  # persistent, and nothing else


class Wild(NamedTuple):
    """A message as it goes over the wire."""

    body: bytes
    properties: bytes = PLAIN
    key: bytes = b"normal.0"


async def publish(url: str, exchange: str, messages: Iterable[Wild]) -> None:
    """Send them all; they are there when this returns. Fails where RabbitMQ ends the link over one of them."""
    async with broker.connected(url, name="flood", heartbeat=10) as connection:
        channel = await connection.channel()
        assert channel.number == 1
        underlay: Any = await channel.get_underlay_channel()
        taken = []
        for number, message in enumerate(messages, 1):
            # Of what is not confirmed a quorum queue may lose some when the link is closed.
            taken.append(underlay.create_future())
            underlay.confirmations[number] = taken[-1]
            await underlay.write_queue.put(ChannelFrame(_frames(exchange.encode(), message), False))
        await asyncio.gather(*taken)


def _frames(exchange: bytes, message: Wild) -> bytes:
    names = b"".join(bytes([len(name)]) + name for name in (exchange, message.key))
    content = struct.pack(">HHQ", 60, 0, len(message.body)) + message.properties
    parts = [message.body[at : at + 131_064] for at in range(0, len(message.body), 131_064)]
    payloads = [(1, struct.pack(">HHH", 60, 40, 0) + names + b"\0"), (2, content), *((3, part) for part in parts)]
    return b"".join(struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce" for kind, payload in payloads)


@asynccontextmanager
async def measured(pid: int) -> AsyncIterator[list[int]]:
    """What a process holds, in bytes, beyond what it held at the beginning; the greatest is what counts."""
    process = psutil.Process(pid)
    before, found = process.memory_info().rss, [0]

    async def sample() -> None:
        with suppress(psutil.NoSuchProcess):
            while True:
                found.append(process.memory_info().rss - before)
                await asyncio.sleep(0.01)

    sampling = asyncio.create_task(sample())
    try:
        yield found
    finally:
        sampling.cancel()


def table(*entries: tuple[bytes, bytes]) -> bytes:
    """A table of AMQP: names, and values that begin with their type."""
    inside = b"".join(bytes([len(name)]) + name + value for name, value in entries)
    return struct.pack(">I", len(inside)) + inside


def nested(depth: int) -> bytes:
    """A table in a table, and so on."""
    value = b"V"
    for _ in range(depth):
        value = b"F" + table((b"", value))
    return value


def wild_properties(dice: random.Random) -> bytes:
    """Properties that RabbitMQ takes from a publisher, most of them nothing that any program would write."""
    text = dice.choice([b"\xff\xfe", b"", b"a\x00b", b"\x1b[2J", "ø".encode(), b"x" * 200])
    short = bytes([len(text)]) + text
    long = struct.pack(">I", len(text)) + text
    values = [
        b"T" + dice.choice([b"\x7f" * 8, b"\0" * 8, b"\xff" * 8]),
        b"S" + long,
        b"x" + long,
        b"d" + b"\x7f" * 8,
        b"D\xff" + dice.randbytes(4),
        b"l" + dice.randbytes(8),
        b"A" + struct.pack(">I", 600) + b"V" * 600,
        nested(dice.choice([2, 7, 9, 60, 400])),
    ]
    headers = table(*((dice.choice([b"reason", b"x-death", b"a", b"\xc3"]), dice.choice(values)) for _ in range(2)))
    return dice.choice(
        [
            PLAIN,
            b"\x20\x00" + headers,
            b"\x30\x00" + headers + b"\x01",
            b"\x80\x00" + short,  # content type
            b"\x40\x00" + short,  # content encoding
            b"\x04\x00" + short,  # correlation id
            b"\x00\x80" + short,  # message id
            b"\x00\x40" + dice.choice([b"\xff", b"\0"]) * 8,  # timestamp
        ]
    )


def wild_bodies(dice: random.Random, real: list[bytes], count: int) -> Iterator[bytes]:
    """Mutations of real bodies, and garbage."""
    for _ in range(count):
        body = bytearray(dice.choice(real))
        match dice.randrange(10):
            case 0:
                body = bytearray(dice.randbytes(dice.randint(0, 300)))
            case 1:
                for _ in range(dice.randint(1, 8)):
                    body[dice.randrange(len(body))] = dice.randrange(256)
            case 2:
                del body[dice.randrange(len(body)) :]
            case 3:
                at = dice.randrange(len(body))
                body[at:at] = dice.choice([b"[" * 5_000, b'{"a":' * 2_000, b"\xff", b"9" * 3_000, b'"', b"null"])
            case 4:
                body += dice.choice([b" " * 20_000, b"{}", b"\0"])
            case 5:
                pass  # a real one, again
            case _:
                body[dice.randrange(len(body))] ^= dice.choice([1, 0x20, 0x80])
        yield bytes(body)
