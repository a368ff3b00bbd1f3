"""The statement that writes a batch, whole or record by record, inside the transaction of the apply."""

import random
import time
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from backfill import statements, texts
from backfill.catalog import Target, need_unchanged
from backfill.database import Connection, is_away, is_transient
from backfill.kinds import packed
from backfill.ledger.tally import Tally
from backfill.workers.applying import portion
from backfill.workers.computing.values import Computed

CHANGED: Final = ("ConflictError", "the application changed the row while its value was computed")
INPUTS_CHANGED: Final = ("ConflictError", "what the value is computed from has changed meanwhile")
HELD: Final = "another transaction holds the row"
WAITS: Final = "a trigger waits for a lock that another transaction holds"
KEPT: Final = "a trigger or a row policy kept the value from being written"
# Record by record others' rows stay locked meanwhile: after so long the rest is left to a transaction of its own, and a
# lock that a trigger waits for must not hold them up. After so many waits in vain the others are hardly waited for; if
# nothing could be written until then, it is no single record that has to wait.
ISOLATED_SECONDS: Final = 0.15
ISOLATED_LOCK_MS: Final = 10
ISOLATED_STATEMENT_MS: Final = 200
LOCKS_WAITED_FOR: Final = 30
IMPATIENT_LOCK_MS: Final = 1


@dataclass
class Left:
    """What a transaction did not come to."""

    unreached: list[Computed] = field(default_factory=list)
    slow: list[Computed] = field(default_factory=list)  # single records that need more time than others may wait


class Writing:
    """Writes what was computed, and counts it in a tally."""

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._target = target
        self._waits = 0  # for locks, in vain
        self._has_written = False

    async def whole(self, computed: Computed, tally: Tally) -> None:
        """Write all with one statement; rows that somebody holds are held, and so are those that have gone.

        What is deferred to the COMMIT is done before it: nothing bounds the time of a COMMIT, with all rows locked.
        """
        if self._target.has_deferred:
            await self._connection.execute(statements.read("target/check_now"))
        row = await self._connection.fetchrow(self._target.apply_values, *computed.arguments())
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
        """Count those whose rows the statement did not have: somebody holds them, or the next reading tells more."""
        row = await self._connection.fetchrow(self._target.statement("read_present"), packed(sorted(ids)))
        assert row is not None  # noqa: S101 - an aggregate always makes one row
        if row["is_filtered"] and (seen := ids.intersection(row["ids"] or ())):
            # A policy may let this role read them and not write them.
            kept = seen - await self._writable(seen)
            tally.skipped[KEPT] += len(kept)
            tally.left += kept
            ids -= kept
        tally.held |= dict.fromkeys(ids, HELD)

    async def _writable(self, ids: set[str]) -> set[str]:
        """Those that this role may write; all, as long as that cannot be told because somebody holds one of them."""
        try:
            async with self._connection.transaction():
                statement = self._target.statement("lock_rows", wait="NOWAIT")
                return set(await self._connection.fetchval(statement, packed(sorted(ids))) or ())
        except asyncpg.LockNotAvailableError:
            return ids

    async def isolated(self, computed: Computed, tally: Tally, *, is_patient: bool) -> Left:
        """Write under savepoints, halving what PostgreSQL refuses until the refused records stand alone.

        Patient with a single record, whose trigger may take as long as the session lets it.
        """
        # A column that became another one refuses what no record is to blame for; from here on none can.
        await need_unchanged(self._connection, self._target)
        # What is only checked at the COMMIT would fail the neighbours too.
        await self._connection.execute(statements.read("target/check_now"))
        left = Left()
        if is_patient:
            await self._alone(computed, tally)
        else:
            await self._may_wait(ISOLATED_LOCK_MS if self._waits < LOCKS_WAITED_FOR else IMPATIENT_LOCK_MS)
            await self._halving(computed, tally, left, None)
        return left

    async def may_take(self, lock_ms: int, statement_ms: int) -> None:
        """How long a statement of this transaction may wait for a lock, and take."""
        most = portion.TRANSACTION_MS
        await self._connection.execute(statements.read("target/set_timeouts"), lock_ms, statement_ms, most)

    async def _may_wait(self, milliseconds: int) -> None:
        await self.may_take(milliseconds, ISOLATED_STATEMENT_MS)

    async def _try(self, computed: Computed, tally: Tally) -> Exception | None:
        """Write all of them or none; returns what was wrong with them, raises what was not."""
        trial = Tally()
        try:
            async with self._connection.transaction():
                await self.whole(computed, trial)
        except Exception as error:
            if self._connection.is_closed() or is_away(error):
                raise
            return error
        tally.add(trial)
        self._has_written = True
        return None

    async def _alone(self, computed: Computed, tally: Tally) -> None:
        if (error := await self._try(computed, tally)) is not None:
            self._set_apart(computed, tally, error)

    @staticmethod
    def _set_apart(computed: Computed, tally: Tally, error: Exception) -> None:
        record, why = computed.ids[0], texts.why(error)
        if isinstance(error, asyncpg.LockNotAvailableError):
            tally.held[record] = WAITS
        elif is_transient(error):
            tally.remaining[record] = why
        else:
            tally.failed[record] = why

    async def _halving(self, computed: Computed, tally: Tally, left: Left, until: float | None) -> None:
        if until is None:
            until = time.monotonic() + ISOLATED_SECONDS
        elif time.monotonic() > until:
            left.unreached.append(computed)
            return
        error = await self._try(computed, tally)
        if error is None:
            return
        if isinstance(error, asyncpg.LockNotAvailableError):
            self._waits += 1
            if self._waits == LOCKS_WAITED_FOR:
                if not self._has_written:
                    raise error
                await self._may_wait(IMPATIENT_LOCK_MS)
        if len(computed) > 1:
            if isinstance(error, asyncpg.QueryCanceledError):
                raise error  # with fewer records another time
            middle = len(computed) // 2
            halves = [computed.part(range(middle)), computed.part(range(middle, len(computed)))]
            if isinstance(error, asyncpg.LockNotAvailableError):
                # Neighbours often have to wait for the same lock: not always for those with the lowest keys first.
                random.shuffle(halves)
            for half in halves:
                await self._halving(half, tally, left, until)
        elif isinstance(error, asyncpg.QueryCanceledError):
            left.slow.append(computed)
        else:
            self._set_apart(computed, tally, error)

    async def for_nothing(self) -> None:
        """Run the statement for no record: what it raises is about the table, not about any record."""
        nothing = len(self._target.key.columns) + 1 + len(self._target.columns)
        await self._connection.fetchrow(self._target.apply_values, *["{}"] * nothing)

    async def is_broken(self) -> bool:
        """Whether the statement itself cannot run; what a trigger raises, it raises for a record."""
        try:
            await self.for_nothing()
        except asyncpg.SyntaxOrAccessError:
            return True
        return False
