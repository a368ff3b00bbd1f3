"""One transaction of an apply: the fence, values, and the progress that they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

import asyncpg

from backfill.catalog import Target
from backfill.database import Connection, is_away
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from backfill.ledger.tally import Tally
from backfill.workers.applying import portion
from backfill.workers.applying.writing import INPUTS_CHANGED, Left, Writing
from backfill.workers.claims import CommitUnknownError, FencedError
from backfill.workers.computing.loading import Loading
from backfill.workers.computing.values import Computed

LOCK_MS: Final = 100  # for the table's own lock, and for one that a trigger waits for while rows are locked


class Way(Enum):
    """How a piece of a batch is written."""

    WHOLE = "one statement for all"
    ISOLATED = "under savepoints, by halving"
    ALONE = "one record, which may take as long as the session lets it"


@dataclass(frozen=True)
class Ending:
    """How a round ends: what it took, and what becomes of records that remain."""

    duration_ms: float
    retry_seconds: float | None  # until the next attempt; None keeps the claim for another round
    last: bool  # what remains fails instead
    last_attempt: bool  # of the partition, perhaps with rounds to come


@asynccontextmanager
async def fenced(
    connection: Connection, claim: Claim, backfill: str, *, statement_ms: int | None = None, lock_ms: int | None = None
) -> AsyncIterator[None]:
    """A transaction of the claim, with its partition locked; no statement of it takes longer, or waits for a lock.

    Raises FencedError when a later claim has taken over, and CommitUnknownError when only the ledger can tell whether
    it has committed; any other error means that it has not.
    """
    transaction = connection.transaction(isolation="read_committed")
    await transaction.start()
    try:
        limits = {"statement_ms": statement_ms, "lock_ms": lock_ms, "transaction_ms": portion.TRANSACTION_MS}
        if not await partitions.lock(connection, claim, backfill, **limits):
            raise FencedError
        yield
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    try:
        await transaction.commit()
    except Exception as error:
        if isinstance(error, asyncpg.PostgresError) and not is_away(error):
            raise  # PostgreSQL itself says that it has not committed: a deferred constraint, for one
        raise CommitUnknownError(str(error)) from error
    failpoint("worker.after_commit")


class Committing:
    """Writes a part of a batch and its progress, or neither."""

    def __init__(self, connection: Connection, target: Target, claim: Claim, writing: Writing) -> None:
        self._connection = connection
        self._target = target
        self._claim = claim
        self._writing = writing

    async def run(self, piece: Computed, way: Way, tally: Tally, ending: Ending, rest: list[str]) -> tuple[Tally, Left]:
        """Write a piece of the batch; the `rest` of it stays in the partition."""
        # Inputs are asked for their versions before any row is locked: that may take its time.
        has_versions = piece.batch.input_versions is not None
        statement_ms = None if has_versions or way is Way.ALONE else portion.LOCKED_MS
        backfill = self._target.definition.name
        async with fenced(self._connection, self._claim, backfill, statement_ms=statement_ms, lock_ms=LOCK_MS):
            if has_versions:
                piece = await self._with_the_same_inputs(piece, tally, last_attempt=ending.last_attempt)
                if way is not Way.ALONE:
                    await self._writing.may_take(LOCK_MS, portion.LOCKED_MS)
            left = await self._write(piece, way, tally)
            unreached = [one for part in (*left.unreached, *left.slow) for one in part.ids]
            await self._conclude(tally, ending, [*unreached, *rest])
            failpoint("worker.before_commit")
        return tally, left

    async def _write(self, piece: Computed, way: Way, tally: Tally) -> Left:
        if not piece.ids:
            return Left()
        if way is Way.WHOLE:
            await self._writing.whole(piece, tally)
            return Left()
        return await self._writing.isolated(piece, tally, is_patient=way is Way.ALONE)

    async def _conclude(self, tally: Tally, ending: Ending, rest: list[str]) -> None:
        """Count, and keep the claim while there is a rest of the batch, or records that are only held."""
        error = next((f"{kind}: {text}" for kind, text in tally.remaining.values()), None)
        if ending.last:
            tally.failed |= tally.remaining
            tally.remaining = {}
        ends = not rest and bool(tally.remaining)
        later, tally.later = tally.later, [*tally.later, *rest]
        await partitions.conclude(
            self._connection,
            self._claim,
            tally,
            duration_ms=ending.duration_ms,
            retry_seconds=ending.retry_seconds if ends else None,
            error=error,
            definition_hash=self._target.definition.fingerprint(),
        )
        tally.later = later

    async def _with_the_same_inputs(self, computed: Computed, tally: Tally, *, last_attempt: bool) -> Computed:
        """Those whose inputs in other tables are still the version that was read; the others remain."""
        before = computed.batch.input_versions
        if before is None or not computed.ids:
            return computed
        loading = Loading(self._connection, self._target, computed.batch, tally, last_attempt=last_attempt)
        now = await loading.versions()
        there = [place for place, one in enumerate(computed.ids) if one not in tally.failed and one not in tally.held]
        same = [place for place in there if before[place] == now[place]]
        changed = set(there).difference(same)
        tally.remaining |= dict.fromkeys((computed.ids[place] for place in changed), INPUTS_CHANGED)
        return computed.part(same)
