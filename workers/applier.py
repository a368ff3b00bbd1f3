"""Write a partition's values and its progress in one transaction."""

from dataclasses import dataclass
from typing import Final

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from backfill.catalog import Target
from backfill.database import Connection, is_away, is_transient
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim, Tally
from workers.halving import is_broken_definition
from workers.loading import Loading
from workers.values import Computed
from workers.writing import INPUTS_CHANGED, Writing

# Two sessions in each other's way: the same transaction succeeds a moment later.
RACES: Final = (asyncpg.TransactionRollbackError,)


class FencedError(Exception):
    """A later claim took the partition over; nothing was written."""


class CommitUnknownError(Exception):
    """The answer to COMMIT never came: only the ledger knows."""


@dataclass(frozen=True)
class Ending:
    """How a round ends: what it took, and what becomes of records that remain."""

    duration_ms: float
    retry_seconds: float | None  # until the next attempt; None keeps the claim for another round
    last: bool  # what remains fails instead
    last_attempt: bool  # of the partition, perhaps with rounds to come


class Applier:
    """Applies what was computed under one claim."""

    def __init__(self, connection: Connection, target: Target, claim: Claim) -> None:
        self._connection = connection
        self._target = target
        self._claim = claim

    async def apply(self, computed: Computed, tally: Tally, ending: Ending) -> Tally:
        """Write, count and commit; returns the tally with what was written added.

        Records that another transaction changed or holds remain, unless this is the end. Raises FencedError when
        nothing may be written any more, and CommitUnknownError when only the ledger can tell what happened.
        """
        # First plainly; if a lock is held too long, without the rows that are held; if a value is refused, or a trigger
        # waits for a lock, with the records set apart by halving. Each try begins from what the computation counted.
        skip_locked = isolate = False
        while True:
            writing = Writing(self._connection, self._target, skip_locked=skip_locked)
            try:
                async for attempt in AsyncRetrying(
                    retry=retry_if_exception_type(RACES),
                    wait=wait_random_exponential(multiplier=0.02, max=0.5),
                    stop=stop_after_attempt(4),
                    reraise=True,
                ):
                    with attempt:
                        return await self._transaction(writing, computed, tally.copy(), ending, isolate=isolate)
            except (FencedError, CommitUnknownError):
                raise
            except Exception as error:
                if isolate:
                    raise
                if isinstance(error, asyncpg.LockNotAvailableError):
                    skip_locked, isolate = True, skip_locked
                    continue
                # At the last attempt, a statement that was cut off is one record's whose trigger never ends.
                ends_never = isinstance(error, asyncpg.QueryCanceledError) and ending.last_attempt
                if is_transient(error) and not isinstance(error, RACES) and not ends_never:
                    raise
                if is_broken_definition(error) and await writing.is_broken():
                    raise
                isolate = True

    async def _transaction(
        self, writing: Writing, computed: Computed, tally: Tally, ending: Ending, *, isolate: bool
    ) -> Tally:
        transaction = self._connection.transaction(isolation="read_committed")
        await transaction.start()
        try:
            if not await partitions.lock(self._connection, self._claim, self._target.definition.name):
                raise FencedError
            computed = await self._with_the_same_inputs(computed, tally, last_attempt=ending.last_attempt)
            if computed.ids:
                await (writing.isolated if isolate else writing.whole)(computed, tally)
            error = next((f"{kind}: {text}" for kind, text in tally.remaining.values()), None)
            if ending.last:
                tally.failed |= tally.remaining
                tally.remaining = {}
            await partitions.settle(
                self._connection,
                self._claim,
                tally,
                duration_ms=ending.duration_ms,
                retry_seconds=ending.retry_seconds,
                error=error,
                definition_hash=self._target.definition.fingerprint(),
            )
            failpoint("worker.before_commit")
        except BaseException:
            if not self._connection.is_closed():
                await transaction.rollback()
            raise
        try:
            await transaction.commit()
        except Exception as error:
            if isinstance(error, asyncpg.PostgresError) and not is_away(error):
                raise  # PostgreSQL itself says that it has not committed: a deferred constraint, for one
            raise CommitUnknownError(str(error)) from error
        failpoint("worker.after_commit")
        return tally

    async def _with_the_same_inputs(self, computed: Computed, tally: Tally, *, last_attempt: bool) -> Computed:
        """Those whose inputs in other tables are still the version that was read; the others remain."""
        before = computed.batch.input_versions
        if before is None or not computed.ids:
            return computed
        loading = Loading(self._connection, self._target, computed.batch, tally, last_attempt=last_attempt)
        now = await loading.versions()
        there = [place for place, one in enumerate(computed.ids) if one not in tally.failed]
        same = [place for place in there if before[place] == now[place]]
        changed = set(there).difference(same)
        tally.remaining |= dict.fromkeys((computed.ids[place] for place in changed), INPUTS_CHANGED)
        return computed.part(same)
