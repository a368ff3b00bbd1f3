"""A dead queue is bounded: its oldest messages are dropped beyond so many, and the ledger says which those were.

Whoever may publish fills it. RabbitMQ's own bound comes later, does not count, and is missing where the queue stood
before it had one. What is dropped are copies: the ledger has what became of every partition.
"""

import asyncio
from collections import Counter
from typing import Any, Final

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from backfill import sessions
from backfill.broker import bounded, depth
from backfill.database import Connection
from backfill.errors import ContractError
from backfill.failpoints import failpoint
from backfill.ledger import events
from backfill.message import decode
from backfill.sifting import opened
from backfill.topology import DEAD_LENGTH, Topology

AT_ONCE: Final = 50_000  # taken in one round; the count is two bytes wide
SECONDS: Final = 5.0
QUIET_SECONDS: Final = 1.0
MOST_JOBS: Final = 1_000  # that are counted; anybody may have made their ids up


class Dropping:
    """Drops what a dead queue has beyond what it may keep."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self.count = 0

    async def clear(self, ledger: Connection, broker: AbstractConnection, topology: Topology) -> int:
        """Drop the oldest messages beyond those that are kept; returns how many.

        The event first: killed in between, they are still there and are counted once more.
        """
        there = await depth(broker, topology.dead_queue) or 0
        most = min(there - self._kept, AT_ONCE)
        if most <= 0:
            return 0
        async with opened(broker, topology.dead_queue) as queue:
            async with bounded():
                await queue.channel.set_qos(prefetch_count=most)
            oldest = _Oldest(most)
            async with bounded():
                tag = await queue.consume(oldest.arrive)
            await oldest.wait()
            async with bounded():
                await queue.cancel(tag)
            if oldest.count:
                await _remember(ledger, topology, there, self._kept, oldest)
                failpoint("dead.before_drop")
                async with bounded():
                    channel: Any = await queue.channel.get_underlay_channel()
                    await channel.basic_ack(oldest.last, multiple=True)
        self.count += oldest.count
        return oldest.count


class _Oldest:
    """Counts what arrives, and keeps no message."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._arrived = asyncio.Event()
        self.count = self.last = 0
        self.jobs: Counter[str] = Counter()  # as the messages say, of those that can be read

    async def arrive(self, message: AbstractIncomingMessage) -> None:
        self.count += 1
        self.last = max(self.last, message.delivery_tag or 0)
        try:
            job = str(decode(message.body).job_id)
        except ContractError:
            job = ""
        if job and (job in self.jobs or len(self.jobs) < MOST_JOBS):
            self.jobs[job] += 1
        self._arrived.set()

    async def wait(self) -> None:
        """Until all have arrived, none does any more, or it takes too long."""
        until = asyncio.get_running_loop().time() + SECONDS
        while self.count < self._most and asyncio.get_running_loop().time() < until:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), QUIET_SECONDS)
            except TimeoutError:
                return


async def _remember(ledger: Connection, topology: Topology, there: int, kept: int, oldest: _Oldest) -> None:
    known = await events.known_jobs(ledger, list(oldest.jobs))
    jobs = {job: count for job, count in oldest.jobs.items() if job in known}
    details = {"asset_name": topology.backfill, "messages": oldest.count, "of_jobs": jobs}
    more = "; it was full, and RabbitMQ has dropped more that nobody counted" if there >= DEAD_LENGTH else ""
    reason = f"queue {topology.dead_queue} had {there:,} messages and keeps {kept:,}: the oldest were dropped{more}"
    async with sessions.brief(ledger):
        await events.act(ledger, "worker", reason)
        await events.remember(ledger, None, "dead.dropped", details, reason)
