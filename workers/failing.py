"""What happens to a partition that did not work out: the ledger first, then the message."""

import time
from collections.abc import Callable

from backfill.broker import BrokerLostError
from backfill.database import Connection, Pool, is_transient
from backfill.errors import ConflictError, SchemaError, TransientError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import operations, partitions
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage
from backfill.modes import Priority
from backfill.publisher import Publisher, partition_message
from backfill.settings import Settings
from backfill.texts import in_a_line, why
from backfill.topology import milliseconds
from backfill.workers.halving import is_broken_definition
from backfill.workers.stats import Stats


class Failing:
    """Retries, gives up, or pauses the job."""

    def __init__(
        self, settings: Settings, pool: Pool, publisher: Publisher, stats: Stats, say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._stats = stats
        self._say = say

    async def whole(self, message: PartitionMessage, claim: Claim, error: Exception) -> bool:
        """The partition as a whole did not work out: the ledger first, then the message."""
        text = in_a_line(error)
        async with self._pool.acquire(timeout=10) as connection:
            if is_broken_definition(error) or isinstance(error, SchemaError):
                # Every partition would fail alike: stop the job once and say why, and count no attempt.
                await partitions.release(connection, claim)
                await self._pause(connection, message, text)
                await partitions.forget_message(connection, message)  # it is dropped: published anew on resume
                return True
            retryable = is_transient(error) or isinstance(error, TransientError)
            if not retryable or claim.attempt >= self._settings.max_attempts:
                return not await self.give_up(connection, message, claim, why(error)[0], text)
            if not await partitions.retry(connection, claim, self.delay(claim), text):
                self._stats.fenced += 1
                return True
        await self.publish_retry(message, claim, claim.ids)
        return True

    async def give_up(
        self, connection: Connection, message: PartitionMessage, claim: Claim, error_class: str, error: str
    ) -> bool:
        """Fail what is left of the partition and list its records; False when another claim has taken over.

        After a True the delivery is for the dead queue.
        """
        failed = await partitions.fail(connection, claim, error_class, error)
        if not failed:
            self._stats.fenced += 1
            return False
        self._stats.failed += failed
        self._stats.ended["failed"].add(time.monotonic() - claim.began)
        self._say(f"Gave up partition {message.partition} of job {message.job} ({failed:,} records): {error}")
        return True

    def delay(self, claim: Claim) -> float:
        """Seconds until the next attempt."""
        delays = self._settings.retry_delays
        return delays[min(claim.attempt, len(delays)) - 1] if delays else 0.0

    async def publish_retry(self, message: PartitionMessage, claim: Claim, ids: list[str]) -> None:
        """Send a fresh message through the delay queue; if that fails, the reconciler sees that the retry is due."""
        self._stats.retried += len(ids)
        fresh = partition_message(message.job, message.backfill, message.mode, message.partition, claim.attempt, ids)
        failpoint("worker.before_retry")
        try:
            await self._publisher.publish(
                fresh, Priority(claim.priority), delay_ms=milliseconds(self.delay(claim)), purpose="retry"
            )
        except (BrokerLostError, UnreachableError):
            self._say(f"Could not publish the retry of partition {message.partition}; the reconciler will.")

    async def _pause(self, connection: Connection, message: PartitionMessage, reason: str) -> None:
        try:
            done = await operations.pause(connection, message.job, actor="worker", reason=reason)
        except ConflictError:  # it has ended, or was cancelled meanwhile
            return
        if done.changed:
            self._say(f"Paused job {message.job}: {reason}")
