"""Messages that expired in a work queue, by a policy that is not ours: not dead, and no more for the dead queue."""

import asyncio
from typing import Any, Final, NamedTuple

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from backfill.broker import bounded, depth
from backfill.dead import last_death
from backfill.modes import Priority
from backfill.topology import Topology

HELD: Final = 100  # dead ones that are passed over; behind more of them nothing is looked for
AHEAD: Final = 300
QUIET_SECONDS: Final = 1.0
SECONDS: Final = 10.0
# From RabbitMQ 4 on a message that was given back 20 times is dropped: half of that is left to people.
LOOKS: Final = 10


class _Arrived(NamedTuple):
    number: int
    has_expired: bool
    looks: int


class Expired:
    """Looks into the dead queue whenever it has grown. The ledger has what is taken out, and it is published again."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}  # messages, by dead queue
        self.count = 0

    async def clear(self, connection: AbstractConnection, topology: Topology) -> int:
        """Take out what expired in a work queue; returns how many."""
        queue = topology.dead_queue
        there = await depth(connection, queue) or 0
        if there <= self._left.get(queue, 0):
            self._left[queue] = there
            return 0
        work = {topology.queue(priority) for priority in Priority}
        found, was_cut_off = await _take_out(connection, queue, there, work)
        # What was not seen, as this process stood still, may have expired too: it is looked for once more.
        self._left[queue] = 0 if was_cut_off else there - found
        self.count += found
        return found


async def _take_out(connection: AbstractConnection, name: str, there: int, work: set[str]) -> tuple[int, bool]:
    """Returns how many were taken out, and whether messages that are there did not come in time."""
    arrived: asyncio.Queue[_Arrived] = asyncio.Queue()
    held: list[int] = []
    found, was_cut_off = 0, False

    async def arrive(message: AbstractIncomingMessage) -> None:
        # No more of it: with their bodies and headers so many messages may be large.
        has_expired, looks = _has_expired(message.headers, work), _looks_at(message.headers)
        await arrived.put(_Arrived(message.delivery_tag or 0, has_expired, looks))

    async with bounded(SECONDS + QUIET_SECONDS):
        channel = await connection.channel(publisher_confirms=False)
        try:
            await channel.set_qos(prefetch_count=HELD + AHEAD)
            queue = await channel.get_queue(name, ensure=False)
            until = asyncio.get_running_loop().time() + SECONDS
            underlay = await channel.get_underlay_channel()
            tag = await queue.consume(arrive)
            while found + len(held) < there and len(held) < HELD and asyncio.get_running_loop().time() < until:
                try:
                    message = await asyncio.wait_for(arrived.get(), QUIET_SECONDS)
                except TimeoutError:
                    was_cut_off = True
                    break
                if message.has_expired:
                    await underlay.basic_ack(message.number)
                    found += 1
                else:
                    held.append(message.number)
                    if message.looks >= LOOKS:
                        break
            await queue.cancel(tag)
            for number in held:  # in their order
                await underlay.basic_nack(number, requeue=True)
        finally:
            if not channel.is_closed:
                await channel.close()
    return found, was_cut_off


def _has_expired(headers: Any, work: set[str]) -> bool:
    """Whether the last thing that happened to it was to wait too long in a work queue; delays end by expiring, too."""
    last = last_death(headers)
    return last.get("reason") == "expired" and str(last.get("queue")) in work


def _looks_at(headers: Any) -> int:
    count = headers.get("x-delivery-count")
    return count if isinstance(count, int) else 0
