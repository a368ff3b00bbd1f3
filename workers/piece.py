"""One key of a PartitionBackfill: what it loads and fetches, and its write, in a transaction that somebody opened."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg

from backfill import sessions, statements, texts
from backfill.database import Connection
from backfill.definition import Outcome, Skip
from backfill.errors import HeldError, SchemaError, TransientError
from backfill.ledger.tally import Tally
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.computing.guarding import LateError, guarded
from backfill.workers.computing.halving import is_broken_definition
from backfill.workers.computing.judge import within
from backfill.workers.limits.spending import Spending
from backfill.workers.watch import Watch


class LimitError(Exception):
    """Waiting for the limit has ended otherwise than in a turn: by this error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Piece:
    """Calls the methods of a definition for a key, and holds what they do against the contract."""

    def __init__(
        self,
        connection: Connection,
        definition: PartitionBackfill,
        spending: Spending,
        settings: Settings,
        attempt: int,
        watch: Watch,
    ) -> None:
        self._connection = connection
        self._definition = definition
        self._spending = spending
        self._seconds = settings.partition_seconds
        self._attempt = attempt
        self._watch = watch

    async def fetched(self, key: str) -> Any:
        """What `fetch` gives; raises SchemaError for what no key is to blame for, and what the limit raises."""
        deadline = asyncio.timeout(None)
        call = _Call(self._attempt, self._spending, deadline, self._seconds)
        try:
            with self._spending.as_one():
                found = await guarded(self._fetch(call, key), deadline, self._spending.stopping, self._watch, key)
        except LateError:
            await sessions.roll_back(self._connection)
            raise TransientError(f"not fetched within {self._seconds:g} s (BACKFILL_PARTITION_SECONDS)") from None
        except Exception as error:
            await sessions.roll_back(self._connection)
            if call.refusal is not None:  # of the limit or the ledger, whatever the definition made of it
                raise LimitError(call.refusal) from error
            if (held := within(error, HeldError)) is not None and held is not error:  # in a group
                raise held from error
            raise
        if call.refusal is not None:  # what it gave lacks the answer to that call
            raise LimitError(call.refusal)
        return found

    async def _fetch(self, call: "_Call", key: str) -> Any:
        call.allow()
        call.loaded = await self._loaded(key)
        return await self._definition.fetch(call, key)

    async def written(self, key: str, fetched: Any, tally: Tally) -> None:
        """Write it in the transaction that is open, and count what that came to."""
        deadline = asyncio.timeout(self._seconds)
        with self._blaming("write", key):
            try:
                writing = self._definition.write(self._connection, key, fetched)
                outcome = await guarded(writing, deadline, self._spending.stopping, self._watch, key)
            except LateError:
                raise TransientError(f"not written within {self._seconds:g} s (BACKFILL_PARTITION_SECONDS)") from None
        # What is only checked at the COMMIT would be nobody's.
        await self._connection.execute(statements.read("target/check_now"))
        self._count(tally, key, outcome)

    def ended(self, key: str) -> SchemaError:
        """What to raise where its write is in no transaction any more."""
        return SchemaError(
            f"write of {self._definition.name} for {texts.one_line(key)} has ended its transaction: it must neither "
            "commit nor roll back"
        )

    async def _loaded(self, key: str) -> Any:
        if type(self._definition).load is PartitionBackfill.load:
            return None
        with self._blaming("load", key):
            loaded = await self._definition.load(self._connection, key)
        await sessions.need_ended(self._connection, f"load of {self._definition.name}")
        return loaded

    @contextmanager
    def _blaming(self, method: str, key: str) -> Iterator[None]:
        """What no key is to blame for: a name in its SQL that is not there, or may not be used."""
        try:
            yield
        except asyncpg.PostgresError as error:
            if not is_broken_definition(error):
                raise
            name, hint = self._definition.name, ""
            if isinstance(error, asyncpg.InsufficientPrivilegeError) and "row-level security" not in str(error):
                attribute = "reads" if method == "load" else "writes"
                hint = f"; name the table in {attribute} of {name}, then run: backfill init --roles --app …"
            what = f"{method} of {name} for {texts.one_line(key)}"
            raise SchemaError(f"{what}: {texts.in_a_line(error)}{hint}") from error

    def _count(self, tally: Tally, key: str, outcome: object) -> None:
        if isinstance(outcome, Skip):
            tally.skipped[outcome] += 1
        elif outcome is Outcome.UPDATED:
            tally.updated += 1
        elif outcome is Outcome.UNCHANGED:
            tally.unchanged += 1
        else:
            said = "None" if outcome is None else type(outcome).__name__
            raise SchemaError(
                f"write of {self._definition.name} returned {said} for {texts.one_line(key)}: return Outcome.UPDATED, "
                "Outcome.UNCHANGED or a Skip; nothing of it was kept"
            )


class _Call:
    """`backfill.Call`: waiting for the limit is not the definition's time."""

    def __init__(self, attempt: int, spending: Spending, deadline: asyncio.Timeout, seconds: float) -> None:
        self.attempt = attempt
        self.loaded: Any = None
        self.refusal: Exception | None = None  # what waiting for the limit has raised
        self._spending = spending
        self._deadline = deadline
        self._seconds = seconds
        self._under_way: list[Any] = []

    def allow(self) -> None:
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> Self:
        self._deadline.reschedule(None)
        call = self._spending.call()
        try:
            await call.__aenter__()
        except Exception as error:
            self.refusal = error
            self.allow()  # what it makes of that is its own time again
            raise
        self._under_way.append(call)
        self.allow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._under_way.pop().__aexit__(kind, error, traceback)
