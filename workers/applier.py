"""Write a partition's values and its progress in one transaction."""

from typing import Final

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from backfill import statements
from backfill.catalog import Target
from backfill.database import Connection, is_away, is_transient
from backfill.failpoints import failpoint
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim, Tally
from workers.computation import is_broken_definition
from workers.values import Computed

# Two sessions in each other's way: the same transaction succeeds a moment later.
RACES: Final = (asyncpg.TransactionRollbackError,)

CHANGED: Final = ("ConflictError", "the application changed the row while its value was computed")
HELD: Final = ("LockNotAvailableError", "another transaction held the row for longer than the lock timeout")


class FencedError(Exception):
    """A later claim took the partition over; nothing was written."""


class CommitUnknownError(Exception):
    """The answer to COMMIT never came: only the ledger knows."""


class Applier:
    """Applies what was computed under one claim."""

    def __init__(self, connection: Connection, target: Target, claim: Claim) -> None:
        self._connection = connection
        self._target = target
        self._claim = claim

    async def apply(
        self, computed: Computed, tally: Tally, *, duration_ms: float, retry_seconds: float | None, last: bool
    ) -> Tally:
        """Write, count and commit; returns the tally with what was written added.

        Records that another transaction changed or holds remain; with `last` they fail instead. Raises FencedError
        when nothing may be written any more, and CommitUnknownError when only the ledger can tell what happened.
        """
        # First plainly; if a lock is held too long, without the rows that are held; if a value is refused, with the
        # records set apart by halving. Each try begins from what the computation counted.
        statement, isolate = self._target.apply_values, False
        while True:
            try:
                async for attempt in AsyncRetrying(
                    retry=retry_if_exception_type(RACES),
                    wait=wait_random_exponential(multiplier=0.02, max=0.5),
                    stop=stop_after_attempt(4),
                    reraise=True,
                ):
                    with attempt:
                        return await self._transaction(
                            computed, _copy(tally), statement, isolate, duration_ms, retry_seconds, last
                        )
            except asyncpg.LockNotAvailableError:
                if statement is self._target.apply_unlocked_values:
                    raise
                statement = self._target.apply_unlocked_values
            except (FencedError, CommitUnknownError):
                raise
            except Exception as error:
                if isolate or is_transient(error) or is_broken_definition(error):
                    raise
                isolate = True

    async def _transaction(
        self,
        computed: Computed,
        tally: Tally,
        statement: str,
        isolate: bool,
        duration_ms: float,
        retry_seconds: float | None,
        last: bool,
    ) -> Tally:
        transaction = self._connection.transaction(isolation="read_committed")
        await transaction.start()
        try:
            if not await partitions.lock(self._connection, self._claim):
                raise FencedError
            if isolate:
                # What is only checked at the COMMIT would fail the neighbours too.
                await self._connection.execute(statements.read("target/check_now"))
            if computed:
                write = self._write_isolated if isolate else self._write
                await write(statement, computed, tally)
            error = next((f"{kind}: {text}" for kind, text in tally.remaining.values()), None)
            if last:
                tally.failed |= tally.remaining
                tally.remaining = {}
            await partitions.settle(
                self._connection,
                self._claim,
                tally,
                duration_ms=duration_ms,
                retry_seconds=retry_seconds,
                error=error,
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

    async def _write(self, statement: str, computed: Computed, tally: Tally) -> None:
        row = await self._connection.fetchrow(statement, *computed.arguments(self._target.columns))
        assert row is not None  # noqa: S101 - an aggregate always makes one row
        tally.updated += row["updated"]
        tally.unchanged += row["unchanged"]
        if kept := row["due"] - row["updated"]:
            tally.skipped["a trigger or a row policy kept the value from being written"] += kept
        tally.remaining |= dict.fromkeys(row["conflicted"] or (), CHANGED)
        if statement is self._target.apply_unlocked_values:
            # Held by somebody, or deleted: the next attempt can tell.
            absent = {str(key) for key in computed.keys} - set(row["present_keys"] or ())
            tally.remaining |= dict.fromkeys(absent, HELD)
        else:
            tally.deleted += len(computed) - row["present"]

    async def _write_isolated(self, statement: str, computed: Computed, tally: Tally) -> None:
        """Write under a savepoint, halving what PostgreSQL refuses until the refused records stand alone."""
        trial = Tally()
        try:
            async with self._connection.transaction():
                await self._write(statement, computed, trial)
        except Exception as error:
            if is_transient(error) or self._connection.is_closed():
                raise
            if len(computed) == 1:
                tally.failed[str(computed.keys[0])] = (type(error).__name__, str(error)[:2_000])
                return
            middle = len(computed) // 2
            await self._write_isolated(statement, computed.part(0, middle), tally)
            await self._write_isolated(statement, computed.part(middle, len(computed)), tally)
        else:
            tally.updated += trial.updated
            tally.unchanged += trial.unchanged
            tally.deleted += trial.deleted
            tally.skipped += trial.skipped
            tally.remaining |= trial.remaining


def _copy(tally: Tally) -> Tally:
    return Tally(
        tally.updated,
        tally.unchanged,
        tally.deleted,
        tally.skipped.copy(),
        dict(tally.failed),
        dict(tally.remaining),
    )
