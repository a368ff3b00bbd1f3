"""Deliveries that lead to no work: bodies that are no message, and claims that gave nothing."""

import asyncio
from collections.abc import Callable
from typing import Final

from backfill.broker import BrokerLostError
from backfill.database import Connection, Pool, is_transient
from backfill.errors import UnreachableError
from backfill.ledger import partitions
from backfill.message import PartitionMessage
from backfill.publisher import Publisher
from backfill.workers.hand import Hold
from backfill.workers.stats import Stats

REST_SECONDS: Final = 1.0  # a message that comes too early is held so long before it is dropped
BURIED_BYTES: Final = 65_536  # enough to see what it was; an oversized body is cut to this


class Refusing:
    """Drops what is done already, buries what never was; each says whether the delivery may be acked."""

    def __init__(self, pool: Pool, publisher: Publisher, stats: Stats, say: Callable[[str], None]) -> None:
        self._pool = pool
        self._publisher = publisher
        self._stats = stats
        self._say = say

    async def claim(self, connection: Connection, message: PartitionMessage, body: bytes) -> bool:
        """A claim gave nothing: done already, somebody else's, paused, cancelled; or it never was."""
        row = await partitions.refusal(connection, message)
        if row is None:
            return await self.bury(message.backfill, body, f"unknown job {message.job}")
        if row["job_state"] == "deleted":
            self._stats.duplicates += 1
            return True
        if row["asset_name"] != message.backfill or row["mode"] != message.mode:
            return await self.bury(message.backfill, body, f"job {message.job} is another backfill or mode")
        if row["partition_state"] is None:
            return await self.bury(
                message.backfill, body, f"unknown partition {message.partition} of job {message.job}"
            )
        if row["is_due"]:
            # Other workers have the job's whole allowance. Held for a moment, so that the queue does not spin.
            await asyncio.sleep(REST_SECONDS)
        if row["is_due"] or (row["job_state"] == "paused" and row["partition_state"] == "pending"):
            await partitions.forget_message(connection, message)
        else:
            self._stats.duplicates += 1
        return True

    async def in_hand(self, message: PartitionMessage, hold: Hold) -> bool:
        """Another slot has the partition in hand: a duplicate, unless its claim was taken away meanwhile."""
        # Pending in spite of the claim: the fence will stop that slot, and somebody has to begin anew.
        if hold.claim is None or not await self._forget(message):
            self._stats.duplicates += 1
            return True
        # Who sent the message may mark it as published only now; and the queue does not spin.
        await asyncio.sleep(REST_SECONDS)
        await self._forget(message)
        return True

    async def _forget(self, message: PartitionMessage) -> bool:
        try:
            async with self._pool.acquire(timeout=10) as connection:
                return await partitions.forget_message(connection, message)
        except Exception as error:
            if not is_transient(error):
                raise
            return False  # lost messages are found by and by

    async def bury(self, backfill: str, body: bytes, reason: str) -> bool:
        """Into the dead queue with the reason; False when only the broker can still move it there."""
        self._stats.dead += 1
        self._say(f"To the dead queue: {reason}")
        try:
            # The broker would move it as well, but could not say why.
            await self._publisher.bury(backfill, body[:BURIED_BYTES], reason)
        except (BrokerLostError, UnreachableError):
            return False
        return True
