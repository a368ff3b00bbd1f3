"""What becomes of a delivery that was not simply done: refused, failed or put off; the ledger first, then the message.

Everything here ends in a settlement: the message may be forgotten, or belongs into the dead queue.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from backfill.broker import BrokerLostError
from backfill.database import Connection, Pool, is_transient
from backfill.errors import ConflictError, SchemaError, TransientError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import operations, partitions
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage
from backfill.modes import Priority
from backfill.outlet import Outlet
from backfill.settings import Settings
from backfill.texts import in_a_line, why
from backfill.topology import milliseconds
from backfill.workers.computing.halving import is_broken_definition
from backfill.workers.hand import Hold
from backfill.workers.links.subscription import Settlement
from backfill.workers.stats import Stats

REST_SECONDS: Final = 1.0  # a message that comes too early is held so long before it is dropped
BURIED_BYTES: Final = 16_384  # enough to see what it was, and as much as a message of ours has; larger ones are cut


class Settling:
    """Drops what is done already, buries what never was, retries, gives up, or pauses the job."""

    def __init__(
        self, settings: Settings, pool: Pool, publisher: Outlet, stats: Stats, say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._stats = stats
        self._say = say

    async def bury(self, backfill: str, body: bytes, reason: str) -> Settlement:
        """Into the dead queue with the reason; rejected where only the broker can still move it there."""
        self._stats.dead += 1
        self._say(f"To the dead queue: {reason}")
        try:
            # The broker would move it as well, but could not say why.
            await self._publisher.bury(backfill, body[:BURIED_BYTES], reason)
        except (BrokerLostError, UnreachableError):
            return Settlement.REJECT
        return Settlement.ACK

    async def in_hand(self, message: PartitionMessage, hold: Hold) -> Settlement:
        """Another slot has the partition in hand: a duplicate, unless its claim was taken away meanwhile."""
        # Pending in spite of the claim: the fence will stop that slot, and somebody has to begin anew.
        if hold.claim is None or not await self._forget(message):
            self._stats.duplicates += 1
            return Settlement.ACK
        # Who sent the message may mark it as published only now; and the queue does not spin.
        await asyncio.sleep(REST_SECONDS)
        await self._forget(message)
        return Settlement.ACK

    async def _forget(self, message: PartitionMessage) -> bool:
        try:
            async with self._pool.acquire(timeout=10) as connection:
                return await partitions.forget_message(connection, message)
        except Exception as error:
            if not is_transient(error):
                raise
            return False  # lost messages are found by and by

    async def unclaimed(self, connection: Connection, message: PartitionMessage, body: bytes) -> Settlement:
        """A claim gave nothing: done already, somebody else's, paused, cancelled; or it never was."""
        job, partition = message.job_id, message.partition_key
        row = await partitions.refusal(connection, message)
        if row is None:
            return await self.bury(message.backfill, body, f"unknown job {job}")
        if row["job_state"] == "deleted":
            self._stats.duplicates += 1
            return Settlement.ACK
        if row["asset_name"] != message.backfill or row["mode"] != message.mode:
            return await self.bury(message.backfill, body, f"job {job} is another backfill or mode")
        if row["partition_state"] is None:
            return await self.bury(message.backfill, body, f"unknown partition {partition} of job {job}")
        if row["is_due"]:
            # Other workers have the job's whole allowance. Held for a moment, so that the queue does not spin.
            await asyncio.sleep(REST_SECONDS)
        if row["is_due"] or (row["job_state"] == "paused" and row["partition_state"] == "pending"):
            await partitions.forget_message(connection, message)
        else:
            self._stats.duplicates += 1
        return Settlement.ACK

    async def failed(self, message: PartitionMessage, claim: Claim, error: Exception, spare: list[str]) -> Settlement:
        """The partition as a whole did not work out: pause the job, retry the partition, or give it up."""
        text = in_a_line(error)
        async with self._pool.acquire(timeout=10) as connection:
            if is_broken_definition(error) or isinstance(error, SchemaError):
                # Every partition would fail alike: stop the job once and say why, and count no attempt.
                await partitions.release(connection, claim)
                await self._pause(connection, message, text)
                await partitions.forget_message(connection, message)  # it is dropped: published anew on resume
                return Settlement.ACK
            may_pass = is_transient(error) or isinstance(error, TransientError)
            if not may_pass or claim.attempt >= self._settings.max_attempts:
                return await self.give_up(connection, message, claim, why(error)[0], text, spare)
            seconds = self._settings.retry_delay(claim.attempt)
            if not await partitions.retry(connection, claim, seconds, text):
                self._stats.fenced += 1
                return Settlement.ACK
        return await self.put_back(message, claim, claim.ids)

    async def give_up(
        self,
        connection: Connection,
        message: PartitionMessage,
        claim: Claim,
        error_class: str,
        error: str,
        spare: list[str],
    ) -> Settlement:
        """Fail what is left of the partition and list its records; acked when another claim has taken over.

        Those to spare wait for another claim: this worker may do no more.
        """
        failed = await partitions.fail(connection, claim, error_class, error, spare)
        if failed is None:
            self._stats.fenced += 1
            return Settlement.ACK
        self._stats.failed += failed
        if spare:
            self._say(
                f"Failed {failed:,} records of partition {message.partition_key} of job {message.job_id}: {error}"
            )
            return Settlement.ACK
        self._stats.ended["failed"].add(time.monotonic() - claim.began)
        self._say(f"Gave up partition {message.partition_key} of job {message.job_id} ({failed:,} records): {error}")
        return Settlement.REJECT

    async def put_back(self, message: PartitionMessage, claim: Claim, ids: list[str]) -> Settlement:
        """Send a fresh message through the delay queue; if that fails, the reconciler sees that the retry is due."""
        self._stats.put_back += len(ids)
        fresh = replace(message, attempt=claim.attempt, ids=tuple(ids))
        delay_ms = milliseconds(self._settings.retry_delay(claim.attempt))
        failpoint("worker.before_retry")
        try:
            await self._publisher.publish(fresh, Priority(claim.priority), delay_ms=delay_ms, purpose="retry")
        except (BrokerLostError, UnreachableError):
            self._say(f"Could not publish the retry of partition {message.partition_key}; the reconciler will.")
        return Settlement.ACK

    async def _pause(self, connection: Connection, message: PartitionMessage, reason: str) -> None:
        try:
            done = await operations.pause(connection, message.job_id, actor="worker", reason=reason)
        except ConflictError:  # it has ended, or was cancelled meanwhile
            return
        if done.changed:
            self._say(f"Paused job {message.job_id}: {reason}")
