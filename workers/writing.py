"""The statement that writes a batch, whole or record by record, inside the transaction of the apply."""

from typing import Final

import asyncpg

from backfill import statements, texts
from backfill.catalog import Target, need_unchanged
from backfill.database import Connection, is_away, is_transient
from backfill.kinds import packed
from backfill.ledger.partitions import Tally
from workers.values import Computed

CHANGED: Final = ("ConflictError", "the application changed the row while its value was computed")
INPUTS_CHANGED: Final = ("ConflictError", "what the value is computed from has changed meanwhile")
HELD: Final = ("LockNotAvailableError", "another transaction held the row for longer than the lock timeout")
KEPT: Final = "a trigger or a row policy kept the value from being written"
# Record by record others' rows stay locked meanwhile: a lock that a trigger waits for, or one that never ends, must not
# hold them up. After so many waits for locks in vain the others are hardly waited for.
ISOLATED_LOCK_MS: Final = 50
ISOLATED_STATEMENT_MS: Final = 2_000
LOCKS_WAITED_FOR: Final = 20
IMPATIENT_LOCK_MS: Final = 1
STATEMENTS_CUT_OFF: Final = 20  # then it is the database that is slow, not a record's trigger


class Writing:
    """Writes what was computed, and counts it in a tally."""

    def __init__(self, connection: Connection, target: Target, *, skip_locked: bool) -> None:
        self._connection = connection
        self._target = target
        self._skip_locked = skip_locked
        self._waits = 0  # for locks, in vain
        self._cut_off = 0  # statements
        self._statement = target.apply_unlocked_values if skip_locked else target.apply_values

    async def whole(self, computed: Computed, tally: Tally) -> None:
        """Write all with one statement."""
        row = await self._connection.fetchrow(self._statement, *computed.arguments())
        assert row is not None  # noqa: S101 - an aggregate always makes one row
        tally.updated += row["updated"]
        tally.unchanged += row["unchanged"]
        tally.left += row["left_ids"] or ()
        if kept := row["due"] - row["updated"]:
            tally.skipped[KEPT] += kept
        tally.remaining |= dict.fromkeys(row["conflicted"] or (), CHANGED)
        if row["present"] < len(computed):
            await self._absent(set(computed.ids) - set(row["present_ids"] or ()), tally)

    async def _absent(self, ids: set[str], tally: Tally) -> None:
        """Count those whose rows the statement did not have."""
        if self._skip_locked:
            # Held by somebody, or deleted: the next attempt can tell.
            tally.remaining |= dict.fromkeys(ids, HELD)
            return
        row = await self._connection.fetchrow(self._target.statement("read_present"), packed(sorted(ids)))
        assert row is not None  # noqa: S101 - an aggregate always makes one row
        seen = ids.intersection(row["ids"] or ())
        if row["is_filtered"] and seen:
            # A policy lets this role read them and not write them.
            tally.skipped[KEPT] += len(seen)
            ids -= seen
        # Deleted meanwhile, or moved, or hidden: the next reading tells which.
        tally.remaining |= dict.fromkeys(ids, CHANGED)

    async def isolated(self, computed: Computed, tally: Tally) -> None:
        """Write under savepoints, halving what PostgreSQL refuses until the refused records stand alone."""
        # A column that became another one refuses what no record is to blame for.
        await need_unchanged(self._connection, self._target)
        # What is only checked at the COMMIT would fail the neighbours too.
        await self._connection.execute(statements.read("target/check_now"))
        await self._may_wait(ISOLATED_LOCK_MS)
        await self._halving(computed, tally)

    async def _may_wait(self, milliseconds: int) -> None:
        await self._connection.execute(statements.read("target/set_timeouts"), milliseconds, ISOLATED_STATEMENT_MS)

    async def _halving(self, computed: Computed, tally: Tally) -> None:
        trial = Tally()
        try:
            async with self._connection.transaction():
                await self.whole(computed, trial)
        except Exception as error:
            if self._connection.is_closed() or is_away(error):
                raise
            if isinstance(error, asyncpg.LockNotAvailableError):
                self._waits += 1
                if self._waits == LOCKS_WAITED_FOR:
                    await self._may_wait(IMPATIENT_LOCK_MS)
            if isinstance(error, asyncpg.QueryCanceledError):
                self._cut_off += 1
                if self._cut_off == STATEMENTS_CUT_OFF:
                    raise
            if len(computed) > 1:
                middle = len(computed) // 2
                await self._halving(computed.part(range(middle)), tally)
                await self._halving(computed.part(range(middle, len(computed))), tally)
            elif is_transient(error):
                name, message = texts.why(error)
                tally.remaining[computed.ids[0]] = (
                    HELD if isinstance(error, asyncpg.LockNotAvailableError) else (name, message)
                )
            else:
                tally.failed[computed.ids[0]] = texts.why(error)
        else:
            tally.add(trial)

    async def is_broken(self) -> bool:
        """Whether the statement itself cannot run; what a trigger raises, it raises for a record."""
        nothing = len(self._target.key.columns) + 1 + len(self._target.columns)
        try:
            await self._connection.fetchrow(self._statement, *["{}"] * nothing)
        except asyncpg.SyntaxOrAccessError:
            return True
        return False
