"""One delivery, from its body to the moment when it may be acknowledged."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from backfill.broker import BrokerLostError
from backfill.catalog import Target, resolve
from backfill.database import Connection, Pool, is_away, is_transient
from backfill.definition import ColumnBackfill
from backfill.errors import ConflictError, ContractError, SchemaError, TransientError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import jobs, operations, partitions
from backfill.ledger.partitions import Claim, Tally
from backfill.message import PartitionMessage, decode
from backfill.modes import Mode, Priority
from backfill.publisher import Publisher, partition_message
from backfill.settings import Settings
from backfill.topology import milliseconds
from workers.applier import Applier, CommitUnknownError, FencedError
from workers.computation import compute, is_broken_definition
from workers.keeper import Keeper
from workers.stats import Stats

# A row that the application changes while its value is computed is read again so often before it has to wait.
ROUNDS: Final = 3
PAUSE_SECONDS: Final = 0.2  # before PostgreSQL is asked again
REST_SECONDS: Final = 1.0  # a worker beyond a job's allowance holds a message so long before it drops it
BURIED_BYTES: Final = 65_536  # enough to see what it was; an oversized body is cut to this


class Processor:
    """Everything between a delivery and its ack; raises nothing but cancellation."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        publisher: Publisher,
        definitions: dict[str, ColumnBackfill],
        keeper: Keeper,
        stats: Stats,
        worker: UUID,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._publisher = publisher
        self._definitions = definitions
        self._keeper = keeper
        self._stats = stats
        self._worker = worker
        self._say = say
        self._targets: dict[tuple[str, Mode], Target] = {}
        self._pause_ms: dict[UUID, int] = {}  # as the last claim of each job said

    async def process(self, backfill: str, body: bytes) -> bool:
        """Do what the body asks; True when the delivery may be acked, False when the broker should dead-letter it."""
        try:
            message = decode(body)
            if message.backfill != backfill:
                raise ContractError(f"backfill: {message.backfill!r} is not the one of this queue, {backfill!r}")
        except ContractError as error:
            return await self._bury(backfill, body, str(error))
        if self._keeper.is_held(message.job, message.partition):
            self._stats.duplicates += 1
            return True
        with self._keeper.holding_partition(message.job, message.partition):
            while True:
                try:
                    may_ack = await self._attempt(message, body)
                except Exception as error:
                    if not (is_transient(error) or isinstance(error, CommitUnknownError)):
                        raise
                    # Nobody's fault and perhaps already committed: ask the ledger by claiming again.
                    self._say(f"PostgreSQL did not answer ({type(error).__name__}); waiting for it.")
                    await self._until_database_answers()
                else:
                    await asyncio.sleep(self._pause_ms.get(message.job, 0) / 1000)
                    return may_ack

    async def _attempt(self, message: PartitionMessage, body: bytes) -> bool:
        failpoint("worker.before_claim")
        async with self._pool.acquire(timeout=10) as connection:
            claim = await partitions.claim(connection, message, self._worker, self._settings.lease_seconds)
            if claim is None:
                return await self._refused(connection, message, body)
            self._keeper.claimed(message.job, message.partition, claim)
            self._pause_ms[message.job] = claim.pause_ms
            failpoint("worker.after_claim")
            try:
                if claim.job_state != "running":
                    await jobs.start(connection, message.job)
                return await self._recompute(connection, message, claim)
            except FencedError:
                self._stats.fenced += 1
                return True
            except (asyncio.CancelledError, CommitUnknownError):
                await self._release(claim)
                raise
            except Exception as error:
                if is_away(error):
                    await self._release(claim)
                    raise
                return await self._failed(message, claim, error)

    async def _recompute(self, connection: Connection, message: PartitionMessage, claim: Claim) -> bool:
        if claim.attempt > self._settings.max_attempts:
            error = f"claimed {claim.attempt} times and never finished: its worker died, or lost it, each time"
            await self._give_up(connection, message, claim, "NeverFinishedError", error)
            return False
        target = await self._target(connection, message)
        last_attempt = claim.attempt >= self._settings.max_attempts
        ids, began = claim.ids, time.monotonic()
        for round_number in range(1, ROUNDS + 1):
            tally = Tally()
            async with asyncio.timeout(self._settings.partition_seconds):
                computed = await compute(connection, target, ids, tally)
            failpoint("worker.after_compute")
            last_round = round_number == ROUNDS or bool(tally.remaining)
            tally = await Applier(connection, target, claim).apply(
                computed,
                tally,
                duration_ms=(time.monotonic() - began) * 1000,
                retry_seconds=self._delay(claim) if last_round else None,
                last=last_attempt and last_round,
            )
            self._stats.add(tally, began)
            if not tally.remaining:
                self._stats.ended[tally.state].add(time.monotonic() - claim.began)
                break
            if last_round:
                await self._publish_retry(message, claim, list(tally.remaining))
            ids, began = list(tally.remaining), time.monotonic()
        return True

    async def _failed(self, message: PartitionMessage, claim: Claim, error: Exception) -> bool:
        """The partition as a whole did not work out: the ledger first, then the message."""
        text = f"{type(error).__name__}: {error}"[:2_000]
        async with self._pool.acquire(timeout=10) as connection:
            if is_broken_definition(error) or isinstance(error, SchemaError):
                # Every partition would fail alike: stop the job once and say why, and count no attempt.
                await partitions.release(connection, claim)
                await self._pause(connection, message, text)
                return True
            retryable = is_transient(error) or isinstance(error, TransientError)
            if not retryable or claim.attempt >= self._settings.max_attempts:
                await self._give_up(connection, message, claim, type(error).__name__, text)
                return False
            if not await partitions.retry(connection, claim, self._delay(claim), text):
                self._stats.fenced += 1
                return True
        await self._publish_retry(message, claim, claim.ids)
        return True

    async def _pause(self, connection: Connection, message: PartitionMessage, reason: str) -> None:
        try:
            done = await operations.pause(connection, message.job, actor="worker", reason=reason)
        except ConflictError:  # it has ended, or was cancelled meanwhile
            return
        if done.changed:
            self._say(f"Paused job {message.job}: {reason}")

    async def _give_up(
        self, connection: Connection, message: PartitionMessage, claim: Claim, error_class: str, error: str
    ) -> None:
        failed = await partitions.fail(connection, claim, error_class, error)
        self._stats.failed += failed
        if failed:
            self._stats.ended["failed"].add(time.monotonic() - claim.began)
        self._say(f"Gave up partition {message.partition} of job {message.job} ({failed:,} records): {error}")

    def _delay(self, claim: Claim) -> float:
        delays = self._settings.retry_delays
        return delays[min(claim.attempt, len(delays)) - 1] if delays else 0.0

    async def _publish_retry(self, message: PartitionMessage, claim: Claim, ids: list[str]) -> None:
        """Send a fresh message through the delay queue; if that fails, the reconciler sees that the retry is due."""
        self._stats.retried += len(ids)
        fresh = partition_message(message.job, message.backfill, message.mode, message.partition, claim.attempt, ids)
        failpoint("worker.before_retry")
        try:
            await self._publisher.publish(
                fresh, Priority(claim.priority), delay_ms=milliseconds(self._delay(claim)), purpose="retry"
            )
        except (BrokerLostError, UnreachableError):
            self._say(f"Could not publish the retry of partition {message.partition}; the reconciler will.")

    async def _refused(self, connection: Connection, message: PartitionMessage, body: bytes) -> bool:
        """A claim gave nothing: done already, somebody else's, paused, cancelled; or it never was."""
        row = await partitions.refusal(connection, message)
        if row is None:
            return await self._bury(message.backfill, body, f"unknown job {message.job}")
        if row["asset_name"] != message.backfill or row["mode"] != message.mode:
            return await self._bury(message.backfill, body, f"job {message.job} is another backfill or mode")
        if row["partition_state"] is None:
            return await self._bury(
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

    async def _bury(self, backfill: str, body: bytes, reason: str) -> bool:
        self._stats.dead += 1
        self._say(f"To the dead queue: {reason}")
        try:
            # The broker would move it as well, but could not say why.
            await self._publisher.bury(backfill, body[:BURIED_BYTES], reason)
        except (BrokerLostError, UnreachableError):
            return False
        return True

    async def _target(self, connection: Connection, message: PartitionMessage) -> Target:
        known = self._targets.get((message.backfill, message.mode))
        if known is None:
            known = await resolve(connection, self._definitions[message.backfill], message.mode)
            self._targets[message.backfill, message.mode] = known
        return known

    async def _release(self, claim: Claim) -> None:
        """Give the claim back on another connection, as far as that is possible; else its lease ends."""
        try:
            async with asyncio.timeout(2), self._pool.acquire() as connection:
                await partitions.release(connection, claim)
        except Exception:  # noqa: S110 - the lease is the remedy for every way in which this can fail
            pass

    async def _until_database_answers(self) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                async with asyncio.timeout(5), self._pool.acquire() as connection:
                    await connection.fetchval("SELECT 1")
                    return
            except Exception as error:
                if not is_transient(error):
                    raise
