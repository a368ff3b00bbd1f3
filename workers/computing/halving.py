"""One bad record among many that are read together: set apart by halving, unless something else is to blame."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import asyncpg

from backfill import sessions, statements, texts
from backfill.cancelling import cancel_requests
from backfill.database import Connection, is_away, is_transient
from backfill.errors import HeldError, SchemaError, TransientError
from backfill.ledger.tally import Tally
from backfill.workers.computing.judge import within
from backfill.workers.computing.outages import is_outage

# Halves of what was cut off: with the whole time each, finding one record would take as long as ten partitions.
HALVED_STATEMENT_MS: Final = 2_000
# Nobody waits for what is only read; but with the whole time each, some records that have to wait would hold the others
# up. After so many waits in vain hardly any more; if nothing was found until then, it is no single record that waits.
HALVED_LOCK_MS: Final = 20
LOCKS_WAITED_FOR: Final = 30
IMPATIENT_LOCK_MS: Final = 1
WAITS: Final = "its inputs wait for a lock that another transaction holds"

Found = TypeVar("Found")
Work = Callable[[Sequence[int]], Awaitable[dict[int, Found]]]  # from places in a batch to what is found there


def is_broken_definition(error: BaseException) -> bool:
    """A name in the definition's SQL no longer exists, or may not be used; or so says a function or a trigger."""
    return isinstance(error, asyncpg.SyntaxOrAccessError) and not isinstance(
        error, asyncpg.DatatypeMismatchError | asyncpg.CannotCoerceError
    )


def _is_out_of_reach(error: BaseException) -> bool:
    """Whether some service or database did not answer, ours perhaps."""
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):  # it answered, and is ours
        return False
    return isinstance(error, OSError) or is_away(error) or is_outage(error)


class Halving:
    """Calls for many records of one batch; the bad ones fail in the tally."""

    def __init__(
        self, connection: Connection, backfill: str, ids: Sequence[str], tally: Tally, *, last_attempt: bool
    ) -> None:
        self._connection = connection
        self._backfill = backfill
        self._ids = ids
        self._tally = tally
        self._last_attempt = last_attempt
        self._before: dict[str, str | None] = {}  # the session's timeouts that were made shorter
        self._waits = 0  # for locks, in vain
        self._has_found = False

    def fail(self, place: int, error_class: str, message: str) -> None:
        self._tally.failed[self._ids[place]] = error_class, message

    async def work(self, places: Sequence[int], call: Work[Found]) -> dict[int, Found]:
        """Call for all, or halve until the records with which it does not work stand alone; those fail."""
        try:
            return await self._halve(places, call)
        finally:
            if self._before and not self._connection.is_closed():
                before, self._before = self._before, {}
                try:
                    await sessions.put(self._connection, before)
                except BaseException:
                    self._connection.terminate()  # whoever has the session next must have his time
                    raise

    async def _halve(self, places: Sequence[int], call: Work[Found], *, is_second: bool = False) -> dict[int, Found]:
        if not places:
            return {}
        try:
            found = await call(places)
        except BaseException as error:
            if await self._is_not_the_records(error, call):
                raise
            if isinstance(error, asyncpg.LockNotAvailableError):
                await self._waited(error)
            elif isinstance(error, asyncpg.QueryCanceledError):
                await self._may_take("statement_timeout", HALVED_STATEMENT_MS)
            if len(places) == 1:
                if is_broken_definition(error) and not is_second:
                    # What was away for a moment is there again: asked for nothing, the query has just worked.
                    return await self._halve(places, call, is_second=True)
                if isinstance(error, asyncpg.LockNotAvailableError):
                    self._tally.held[self._ids[places[0]]] = WAITS
                else:
                    self.fail(places[0], *texts.why(error))
                return {}
        else:
            self._has_found = True
            return found
        middle = len(places) // 2
        halves = [places[:middle], places[middle:]]
        if self._waits:
            # Neighbours often have to wait for the same lock: not always for the first ones first.
            random.shuffle(halves)
        return await self._halve(halves[0], call) | await self._halve(halves[1], call)

    async def _waited(self, error: asyncpg.LockNotAvailableError) -> None:
        """A lock was waited for in vain; raises the error when every record so far had to wait."""
        self._waits += 1
        if self._waits == LOCKS_WAITED_FOR and not self._has_found:
            raise error
        await self._may_take("lock_timeout", HALVED_LOCK_MS if self._waits < LOCKS_WAITED_FOR else IMPATIENT_LOCK_MS)

    async def _may_take(self, setting: str, milliseconds: int) -> None:
        """How long a statement of this session may take, or wait for a lock, until the work is over."""
        before = await sessions.put(self._connection, {setting: f"{milliseconds}ms"})
        self._before = before | self._before

    async def _is_not_the_records(self, error: BaseException, call: Work[Found]) -> bool:
        """Whether no record is to blame; raises what the error means where it is none of ours."""
        if cancel_requests():
            # This worker stops, or time has run out: whatever the definition makes of it.
            raise asyncio.CancelledError from error
        if isinstance(error, asyncio.CancelledError):
            return False  # the definition raised it
        if (held := within(error, HeldError)) is not None:
            raise held from error
        if _is_out_of_reach(error) and await self._is_well():
            # The definition's own service is away, or a database of its own, not ours: an attempt of this partition.
            raise TransientError(texts.in_a_line(error)) from error
        if isinstance(error, asyncpg.InterfaceError) and not self._connection.is_closed():
            # The driver itself refuses the call: too few or too many arguments, for one.
            raise SchemaError(f"the inputs of {self._backfill} cannot be loaded: {error}") from error
        if isinstance(error, asyncpg.LockNotAvailableError):
            # Held, at whatever attempt: all of them when somebody has locked a table.
            return not self._waits and await self._waits_for_nothing(call)
        if self._last_attempt and isinstance(error, asyncpg.PostgresError) and not is_away(error):
            # A conflict or a cut-off statement that came back at every attempt: some record's, as it seems.
            return is_broken_definition(error) and await self._fails_for_nothing(call)
        if isinstance(error, SchemaError | TransientError) or is_transient(error):
            return True
        return is_broken_definition(error) and await self._fails_for_nothing(call)

    async def _is_well(self) -> bool:
        """Whether our session still works: what the server says last may come before the end of the connection."""
        if self._connection.is_closed():
            return False
        try:
            await self._connection.fetchval(statements.read("catalog/takes_writes"))
        except Exception:
            return False
        return True

    @staticmethod
    async def _waits_for_nothing(call: Work[Found]) -> bool:
        try:
            await call([])
        except Exception as again:
            return isinstance(again, asyncpg.LockNotAvailableError)
        return False

    @staticmethod
    async def _fails_for_nothing(call: Work[Found]) -> bool:
        """A function in a query may raise the like for one record; asked for nothing, only the query itself can."""
        try:
            await call([])
        except Exception as again:
            return is_broken_definition(again)
        return False
