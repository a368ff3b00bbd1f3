"""A partition that waits for somebody's lock: how long its claim is kept, who it is that holds it, who is told."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from backfill import statements
from backfill.blockers import ASK_SECONDS, SOMEBODY, Blockers
from backfill.cancelling import cancel
from backfill.catalog import Target
from backfill.database import Connection, Pool, is_transient
from backfill.kinds import packed
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.message import PartitionMessage
from backfill.workers.applying import portion
from backfill.workers.claims import GivenBackError
from backfill.workers.stats import Stats
from backfill.workers.stopping import Stopping
from backfill.workers.troubles import Troubles

# A locked table holds up the whole backfill, which the slot has nothing better for: it waits where it goes on at once.
# Some rows hold up their partition only; it is tried again later, the longer it is held the less often.
KEPT_FOR_A_TABLE: Final = 10.0  # seconds
KEPT_FOR_RECORDS: Final = 1.5
FEWEST_SECONDS: Final = 0.5  # until a claim that was given back is tried again
MOST_SECONDS: Final = 15.0
SHORTEST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
SILENT_SECONDS: Final = 3.0  # before it is said that somebody holds the table, though not who
WATCH_SECONDS: Final = 0.08
PROBE_MS: Final = 200  # for which one row that is held is waited for, to see whom one waits for


class Holding:
    """What the partitions in a worker's hands wait for."""

    def __init__(self, pool: Pool, stats: Stats, stopping: Stopping, say: Callable[[str], None]) -> None:
        self._pool = pool
        self._stats = stats
        self.went_on_at = float("-inf")  # what was held
        self.stopping = stopping
        self._say = say
        self._troubles = Troubles(say)
        self._blockers = Blockers()

    @asynccontextmanager
    async def wait(
        self, connection: Connection, target: Target, message: PartitionMessage, claim: Claim
    ) -> AsyncIterator["Wait"]:
        """For the time of one claim."""
        wait = Wait(self, connection, target, message, claim)
        try:
            yield wait
        finally:
            await wait.end()

    async def give_back(
        self, connection: Connection, claim: Claim, reason: str = SOMEBODY, most: float = FEWEST_SECONDS
    ) -> None:
        """Give a claim back that was no attempt."""
        if not await partitions.hold(connection, claim, reason, fewest=FEWEST_SECONDS, most=most):
            self._stats.fenced += 1

    def count(self, more: int) -> None:
        self._stats.held += more

    async def ask(self, connection: Connection, claim: Claim) -> str | None:
        """What that session waits for, if it does and may be asked; written into the ledger."""
        if not self._blockers.may_ask:
            return None
        async with self._pool.acquire(timeout=5) as other:
            who = await self._blockers.ask(other, connection.get_server_pid())
            if who is None:
                return None
            reason = f"waits for a lock of {who}"
            await partitions.tell_held(other, claim, reason)
            return reason

    def tell(self, about: Hashable, text: str) -> None:
        self._troubles.tell(about, text)

    def tell_unless_told(self, about: Hashable, text: str) -> None:
        if not self._troubles.is_told(about):
            self._troubles.tell(about, text)

    def goes_on(self, about: Hashable, what: str) -> None:
        if self._troubles.over(about):
            self.went_on_at = time.monotonic()
            self._say(f"{what} goes on.")


class Wait:
    """One claim's waiting, over as many rounds as it takes."""

    def __init__(
        self, holding: Holding, connection: Connection, target: Target, message: PartitionMessage, claim: Claim
    ) -> None:
        self._holding = holding
        self._connection = connection
        self._target = target
        self._claim = claim
        self._job = message.job_id
        self._place = f"Partition {message.partition_key} of job {message.job_id}"
        self._began = 0.0
        self._pause = SHORTEST_PAUSE
        self._reason: str | None = None
        self._is_for_a_table = False
        self._watching: asyncio.Task[None] | None = None

    async def for_a_table(self) -> None:
        """Everything of it waits; raises GivenBackError when that takes too long to keep the claim."""
        self._is_for_a_table = True
        self._begin()
        await self._rest(KEPT_FOR_A_TABLE, FEWEST_SECONDS)

    async def for_records(self, held: Mapping[str, str]) -> None:
        """These of its records wait, if there are any; raises GivenBackError like the other."""
        self._is_for_a_table = False
        self._holding.goes_on(self._job, f"Job {self._job}")
        if not held:
            self._holding.goes_on(self._claim.id, self._place)
            await self.end()
            return
        self._begin()
        record, why = next(iter(held.items()))
        if self._reason is None and self._pause > SHORTEST_PAUSE:
            await self._probe(record)
        said = f"{self._place} is held, {len(held):,} records: {self._reason or why}"
        await self._rest(KEPT_FOR_RECORDS, MOST_SECONDS, said, self._reason or why)

    async def end(self) -> None:
        """It goes on, or its claim is over."""
        if self._watching is None:
            return
        watching, self._watching = self._watching, None
        self._holding.count(-1)
        self._reason, self._pause = None, SHORTEST_PAUSE
        await cancel({watching})
        if not watching.cancelled():
            watching.result()

    def _begin(self) -> None:
        if self._watching is None:
            self._began = time.monotonic()
            self._holding.count(1)
            self._watching = asyncio.create_task(self._watch(), name="watch of a lock")
        elif self._watching.done():
            self._watching.result()

    async def _rest(self, kept: float, most: float, said: str = "", reason: str = SOMEBODY) -> None:
        """Hold nothing for a moment, or give the claim back."""
        if self._holding.stopping.is_set() or time.monotonic() - self._began > kept:
            if said:
                self._holding.tell(self._claim.id, said)
            await self._holding.give_back(self._connection, self._claim, self._reason or reason, most)
            raise GivenBackError
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause * random.uniform(0.5, 1.0)):  # noqa: S311 - no secret
                await self._holding.stopping.wait()
        self._pause = min(LONGEST_PAUSE, self._pause * 2)

    async def _watch(self) -> None:
        """Ask whom it waits for, beside the waiting; for a whole table it is said at once."""
        while True:
            asked, reason = time.monotonic(), None
            try:
                reason = await self._holding.ask(self._connection, self._claim)
            except Exception as error:  # whoever has the claim's own connection hears of it
                if not is_transient(error):
                    raise
            self._reason = reason or self._reason
            went_on_at = self._holding.went_on_at
            if asked < went_on_at or not self._is_for_a_table:
                pass  # another claim has heard since that it is over
            elif reason:
                self._holding.tell(self._job, f"Job {self._job} is held: {reason}")
            elif not self._reason and time.monotonic() - max(self._began, went_on_at) > SILENT_SECONDS:
                self._holding.tell_unless_told(self._job, f"Job {self._job} is held: {SOMEBODY}")
            await asyncio.sleep(ASK_SECONDS if self._reason else WATCH_SECONDS)

    async def _probe(self, record: str) -> None:
        """Wait for one of the rows for a moment, with nothing locked, so that it shows whom one waits for."""
        with contextlib.suppress(asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError):
            async with self._connection.transaction():
                limits = PROBE_MS, 2 * PROBE_MS, portion.TRANSACTION_MS
                await self._connection.execute(statements.read("target/set_timeouts"), *limits)
                await self._connection.fetchval(self._target.statement("lock_rows", wait=""), packed([record]))
