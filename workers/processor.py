"""One delivery, from its body to the moment when it may be acknowledged."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from backfill.catalog import ChangedTableError, Target
from backfill.database import Connection, Pool, is_away, is_transient
from backfill.database_errors import SilentServerError
from backfill.definition import ColumnBackfill
from backfill.errors import ContractError
from backfill.failpoints import failpoint
from backfill.ledger import jobs, partitions
from backfill.ledger.interruptions import Fate
from backfill.ledger.partitions import Claim, Tally
from backfill.message import PartitionMessage, decode
from backfill.publisher import Publisher
from backfill.settings import Settings
from backfill.workers.applier import Applier
from backfill.workers.committing import CommitUnknownError, Ending, FencedError
from backfill.workers.computation import compute
from backfill.workers.definitions import Definitions, FormerDefinitionError
from backfill.workers.failing import Failing
from backfill.workers.hand import Hand, Hold
from backfill.workers.holding import HeldError, Holding
from backfill.workers.interruptions import Interruptions, cause_of
from backfill.workers.portion import Portion
from backfill.workers.refusing import Refusing
from backfill.workers.slices import Turns
from backfill.workers.stats import Stats

# A row that the application changes while its value is computed is read again so often before it has to wait.
ROUNDS: Final = 3
REST_SECONDS: Final = 1.0  # of a longer rest, before the job is asked again how long it should be


class Processor:
    """Everything between a delivery and its ack; raises nothing but cancellation."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        publisher: Publisher,
        definitions: dict[str, ColumnBackfill],
        hand: Hand,
        stats: Stats,
        worker: UUID,
        stopping: asyncio.Event,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._failing = Failing(settings, pool, publisher, stats, say)
        self._refusing = Refusing(pool, publisher, stats, say)
        self._holding = Holding(pool, stats, stopping, say)
        self._interruptions = Interruptions(pool, settings.retry_delays)
        self._definitions = Definitions(settings, definitions, say)
        self._hand = hand
        self._stats = stats
        self._worker = worker
        self._stopping = stopping
        self._say = say
        self._portions: dict[str, Portion] = {name: Portion() for name in definitions}
        self._waiting = 0  # slots, for PostgreSQL

    async def process(self, backfill: str, body: bytes) -> bool:
        """Do what the body asks; True when the delivery may be acked, False when the broker should dead-letter it."""
        try:
            message = decode(body)
            if message.backfill != backfill:
                raise ContractError(f"backfill: {message.backfill!r} is not the one of this queue, {backfill!r}")
        except ContractError as error:
            return await self._refusing.bury(backfill, body, str(error))
        if (other := self._hand.held(message.job, message.partition)) is not None:
            return await self._refusing.in_hand(message, other)
        with self._hand.holding_partition(message.job, message.partition) as hold:
            try:
                return await self._until_settled(message, body, hold)
            except asyncio.CancelledError:
                await self._interruptions.give_back(hold.claim)
                raise

    async def _until_settled(self, message: PartitionMessage, body: bytes, hold: Hold) -> bool:
        failed: Exception | None = None
        while True:
            try:
                if failed is not None and hold.claim is not None:
                    return await self._failing.whole(message, hold.claim, failed)
                return await self._attempt(message, body, hold)
            except ChangedTableError:
                continue  # claimed again, what is left is worked on with the table as it is now
            except Exception as error:
                if not (is_transient(error) or isinstance(error, CommitUnknownError)):
                    raise
                # Perhaps already committed: when the ledger answers again, claiming again tells.
                cause = cause_of(error)
                if not self._waiting:
                    self._say(f"PostgreSQL {_did(cause)} ({type(cause).__name__}); waiting for it.")
                self._waiting += 1
                try:
                    fate = await self._interruptions.outlive(hold.claim, cause)
                finally:
                    self._waiting -= 1
                if fate is Fate.REST:
                    self._say(
                        f"Partition {message.partition} of job {message.job} may have ended its session itself "
                        f"({type(cause).__name__}); after a rest it is tried again, with fewer records at once."
                    )
                    return True
                failed = cause if fate is Fate.ATTEMPT else None

    async def _attempt(self, message: PartitionMessage, body: bytes, hold: Hold) -> bool:
        failpoint("worker.before_claim")
        hold.claim = None  # an older one was given back
        async with self._pool.acquire(timeout=10) as connection:
            claim = await partitions.claim(connection, message, self._worker, self._settings.lease_seconds)
            if claim is None:
                return await self._refusing.claim(connection, message, body)
            hold.claim = claim
            failpoint("worker.after_claim")
            if claim.job_state != "running":
                await jobs.start(connection, message.job)
            may_ack = await self._claimed(connection, message, claim)
        await self._rest(message.job, claim.pause_ms)
        return may_ack

    async def _claimed(self, connection: Connection, message: PartitionMessage, claim: Claim) -> bool:
        target = None
        try:
            if claim.attempt > self._settings.max_attempts:
                error = f"claimed {claim.attempt} times and never finished: its worker died, or lost it, each time"
                return not await self._failing.give_up(connection, message, claim, "NeverFinishedError", error)
            target = await self._definitions.target(connection, message, claim)
            async with target.session(connection):
                await self._rounds(connection, target, message, claim)
        except FencedError:
            self._stats.fenced += 1
            return True
        except FormerDefinitionError:
            return await self._definitions.leave(connection, message, claim)
        except HeldError:  # and given back
            return True
        except asyncpg.LockNotAvailableError:  # the job's own row, for one
            await self._holding.give_back(connection, claim)
            return True
        except Exception as error:
            if is_away(error) or isinstance(error, CommitUnknownError):
                raise
            if isinstance(error, TimeoutError) and await self._interruptions.is_silent(claim):
                connection.terminate()  # its good-bye would not be answered either
                raise SilentServerError(str(error)) from error
            cause = await self._definitions.cause(connection, message, target, error)
            if isinstance(cause, ChangedTableError):
                await partitions.release(connection, claim)
                raise cause from None
            return await self._failing.whole(message, claim, cause)
        return True

    async def _rest(self, job: UUID, pause_ms: int) -> None:
        """Leave the slot idle as the job asks, and look up now and then whether it still does."""
        began = time.monotonic()
        while (left := began + pause_ms / 1000 - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, REST_SECONDS)):
                    await self._stopping.wait()
                    return
            if left > REST_SECONDS:
                async with self._pool.acquire(timeout=10) as connection:
                    pause_ms = await jobs.pause_ms(connection, job)

    async def _rounds(self, connection: Connection, target: Target, message: PartitionMessage, claim: Claim) -> None:
        """Compute and apply until nothing is left, or only what has to wait for another attempt."""
        last_attempt = claim.attempt >= self._settings.max_attempts
        watch = self._hand.watch(message.job, message.partition)
        portion = self._portions[message.backfill]
        turns, began = Turns(claim), time.monotonic()
        put_off: dict[str, tuple[str, str]] = {}  # by `compute`: each is tried once under a claim
        async with self._holding.wait(connection, target, message, claim) as wait:
            while turns.ids:
                tally = Tally()
                seconds = self._settings.partition_seconds
                try:
                    now, waiting = turns.slice()
                    computed = await compute(connection, target, now, tally, watch, seconds, last_attempt=last_attempt)
                    untried = [*tally.later, *waiting]
                    tally.later = later = [*untried, *turns.tried]
                    failpoint("worker.after_compute")
                    tally.remaining |= put_off
                    now_put_off = tally.remaining
                    # Time that ran out is nobody's failure: the rest goes on under the same claim.
                    last_round = not untried and (turns.with_conflicts >= ROUNDS - 1 or bool(tally.remaining))
                    ending = Ending(
                        duration_ms=(time.monotonic() - began) * 1000,
                        retry_seconds=self._failing.delay(claim) if last_round else None,
                        last=last_attempt and last_round,
                        last_attempt=last_attempt,
                    )
                    applier = Applier(connection, target, claim, portion, partial(self._stats.add, began=began))
                    tally = await applier.apply(computed, tally, ending)
                except asyncpg.LockNotAvailableError:
                    await wait.for_a_table()
                    began = time.monotonic()
                    continue
                # At the last attempt they have failed, and are counted.
                put_off = {one: why for one, why in now_put_off.items() if one in tally.remaining}
                left = [*tally.remaining, *tally.held, *later]
                if not left:
                    self._stats.ended[tally.state].add(time.monotonic() - claim.began)
                if tally.state == "pending":
                    await self._failing.publish_retry(message, claim, left)
                    return
                if turns.went(untried, tally, put_off):
                    await wait.for_records(turns.held)
                began = time.monotonic()


def _did(error: Exception) -> str:
    return "is read-only" if isinstance(error, asyncpg.ReadOnlySQLTransactionError) else "did not answer"
