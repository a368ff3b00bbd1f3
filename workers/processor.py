"""One delivery, from its body to its settlement: decoded, claimed, worked on, settled."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

import asyncpg

from backfill import sessions
from backfill.catalog import ChangedTableError, Target
from backfill.database import Connection, Pool, is_away, is_transient
from backfill.database_errors import SilentServerError
from backfill.definition import Definition
from backfill.errors import ContractError
from backfill.failpoints import failpoint
from backfill.ledger import jobs, partitions
from backfill.ledger.interruptions import Fate
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage, decode
from backfill.outlet import Outlet
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.allowance import Allowance
from backfill.workers.applying.slices import stands_alone
from backfill.workers.claims import CommitUnknownError, FencedError, GivenBackError
from backfill.workers.computing.ways import Ways
from backfill.workers.definitions import Definitions, FormerDefinitionError
from backfill.workers.hand import Hand, Hold
from backfill.workers.holding import Holding
from backfill.workers.hooks import Hooks
from backfill.workers.interruptions import Interruptions, cause_of
from backfill.workers.limits.budgets import Budgets
from backfill.workers.limits.spending import UnwantedError
from backfill.workers.links.subscription import Settlement
from backfill.workers.pieces import Pieces
from backfill.workers.rounds import Rounds
from backfill.workers.settling import Settling
from backfill.workers.stats import Stats
from backfill.workers.stopping import Stopping

REST_SECONDS: Final = 1.0  # of a longer rest, before the job is asked again how long it should be


class Processor:
    """Everything between a delivery and its settlement; raises nothing but cancellation."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        publisher: Outlet,
        definitions: dict[str, Definition],
        hand: Hand,
        ways: Ways,
        stats: Stats,
        worker: UUID,
        stopping: Stopping,
        allowance: Allowance,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._settling = Settling(settings, pool, publisher, stats, say)
        self._holding = Holding(pool, stats, stopping, say)
        self._budgets = Budgets(settings, pool, self._holding, stats, worker)
        self._interruptions = Interruptions(pool, settings.retry_delays)
        self._hooks = Hooks(pool, self._holding)
        self._definitions = Definitions(settings, definitions, say)
        self._rounds = Rounds(settings, definitions, stats, ways)
        self._pieces = Pieces(settings, stats, self._holding)
        self._hand = hand
        self._stats = stats
        self._worker = worker
        self._stopping = stopping
        self._allowance = allowance
        self._say = say
        self._waiting = 0  # slots, for PostgreSQL

    async def close(self) -> None:
        """Keep nothing from other workers."""
        await self._budgets.close()

    async def process(self, backfill: str, body: bytes) -> Settlement:
        """Do what the body asks, and say what is to become of the delivery."""
        try:
            message = decode(body)
            if message.backfill != backfill:
                raise ContractError(f"backfill: {message.backfill!r} is not the one of this queue, {backfill!r}")
        except ContractError as error:
            return await self._settling.bury(backfill, body, str(error))
        if (other := self._hand.held(message.job_id, message.partition_key)) is not None:
            return await self._settling.in_hand(message, other)
        with self._hand.holding_partition(message.job_id, message.partition_key) as hold:
            try:
                return await self._until_settled(message, body, hold)
            except asyncio.CancelledError:
                await self._interruptions.give_back(hold.claim)
                raise

    async def _until_settled(self, message: PartitionMessage, body: bytes, hold: Hold) -> Settlement:
        """Attempts, until one of them is not cut off by the database."""
        failed: Exception | None = None
        while True:
            try:
                if failed is not None and hold.claim is not None:
                    async with self._allowance.some(len(hold.claim.ids)) as most:
                        return await self._settling.failed(message, hold.claim, failed, hold.claim.ids[most:])
                return await self._attempt(message, body, hold)
            except ChangedTableError:
                continue  # claimed again, what is left is worked on with the table as it is now
            except Exception as error:
                if not (is_transient(error) or isinstance(error, CommitUnknownError)):
                    raise
                # Perhaps already committed: when the ledger answers again, claiming again tells.
                fate, failed = await self._outlive(message, hold, cause_of(error))
                if fate is Fate.REST:
                    return Settlement.ACK

    async def _outlive(self, message: PartitionMessage, hold: Hold, cause: Exception) -> tuple[Fate, Exception | None]:
        """Wait for PostgreSQL; returns how to go on, and what was an attempt of this partition."""
        if not self._waiting:
            self._say(f"PostgreSQL {_did(cause)} ({type(cause).__name__}); waiting for it.")
        self._waiting += 1
        try:
            fate = await self._interruptions.outlive(hold.claim, cause)
        finally:
            self._waiting -= 1
        if fate is Fate.REST:
            self._say(
                f"Partition {message.partition_key} of job {message.job_id} may have ended its session itself "
                f"({type(cause).__name__}); after a rest it is tried again, with fewer records at once."
            )
        return fate, cause if fate is Fate.ATTEMPT else None

    async def _attempt(self, message: PartitionMessage, body: bytes, hold: Hold) -> Settlement:
        failpoint("worker.before_claim")
        hold.claim = None  # an older one was given back
        async with self._pool.acquire(timeout=10) as connection:
            claim = await partitions.claim(connection, message, self._worker, self._settings.lease_seconds)
            if claim is None:
                return await self._settling.unclaimed(connection, message, body)
            hold.claim = claim
            failpoint("worker.after_claim")
            if claim.job_state != "running":
                await jobs.start(connection, message.job_id)
            async with self._allowance.some(len(claim.ids)) as most:
                settlement = await self._claimed(connection, message, claim, hold, most)
        await self._hooks.after(self._definitions.known(message.job_id), claim)
        await self._rest(message.job_id, claim.pause_ms)
        return settlement

    async def _claimed(
        self, connection: Connection, message: PartitionMessage, claim: Claim, hold: Hold, most: int
    ) -> Settlement:
        """Work on at most so many records of it; what goes wrong is nobody's, the partition's or the database's."""
        target, spare = None, claim.ids[most:]
        try:
            if not most:
                return await self._give_back(connection, message, claim)
            if claim.attempt > self._settings.max_attempts and stands_alone(claim):
                error = f"claimed {claim.attempt} times and never finished: its worker died, or lost it, each time"
                return await self._settling.give_up(connection, message, claim, "NeverFinishedError", error, spare)
            target = await self._definitions.target(connection, message, claim)
            if left := await self._worked(
                connection, target, message, replace(claim, ids=claim.ids[:most]), hold, spare
            ):
                return await self._settling.put_back(message, claim, left)
            if spare:
                return await self._give_back(connection, message, claim)
        except FencedError:
            self._stats.fenced += 1
        except FormerDefinitionError as error:
            await self._definitions.leave(connection, message, claim, error)
        except GivenBackError:  # and given back
            pass
        except UnwantedError:
            return await self._give_back(connection, message, claim)
        except asyncpg.LockNotAvailableError:  # the job's own row, for one
            await self._holding.give_back(connection, claim)
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
            return await self._settling.failed(message, claim, cause, spare)
        return Settlement.ACK

    async def _worked(
        self,
        connection: Connection,
        target: Target | PartitionBackfill,
        message: PartitionMessage,
        claim: Claim,
        hold: Hold,
        spare: list[str],
    ) -> list[str]:
        """Work on it to its end, and leave the spare ones; returns what has to wait for another attempt."""
        if isinstance(target, PartitionBackfill):
            async with sessions.of_definition(connection, target.settings):
                await self._hooks.begin(connection, target, claim)
                async with self._budgets.spending(target, claim) as spending:
                    return await self._pieces.work(connection, target, claim, hold, spending, spare)
        async with target.session(connection):
            await self._hooks.begin(connection, target.definition, claim)
            return await self._in_rounds(connection, target, message, claim, hold, spare)

    async def _in_rounds(
        self,
        connection: Connection,
        target: Target,
        message: PartitionMessage,
        claim: Claim,
        hold: Hold,
        spare: list[str],
    ) -> list[str]:
        async with (
            self._holding.wait(connection, target, message, claim) as wait,
            self._budgets.spending(target.definition, claim) as spending,
        ):
            return await self._rounds.work(connection, target, claim, hold, wait, spending, spare)

    async def _give_back(self, connection: Connection, message: PartitionMessage, claim: Claim) -> Settlement:
        """Leave what is left of a partition to others; its message is published anew."""
        await partitions.release(connection, claim)
        await partitions.forget_message(connection, message)
        return Settlement.ACK

    async def _rest(self, job_id: UUID, pause_ms: int) -> None:
        """Leave the slot idle as the job asks, and look up now and then whether it still does."""
        began = time.monotonic()
        while (left := began + pause_ms / 1000 - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, REST_SECONDS)):
                    await self._stopping.wait()
                    return
            if left > REST_SECONDS:
                async with self._pool.acquire(timeout=10) as connection:
                    pause_ms = await jobs.pause_ms(connection, job_id)


def _did(error: Exception) -> str:
    return "is read-only" if isinstance(error, asyncpg.ReadOnlySQLTransactionError) else "did not answer"
