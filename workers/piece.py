"""One key of a PartitionBackfill: what it loads and fetches, and its write, in a transaction that somebody opened."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg

from backfill import statements, texts
from backfill.cancelling import cancel_requests
from backfill.database import Connection
from backfill.definition import Outcome, Skip
from backfill.errors import SchemaError, TransientError
from backfill.ledger.tally import Tally
from backfill.partition_backfill import PartitionBackfill
from backfill.settings import Settings
from backfill.workers.halving import is_broken_definition
from backfill.workers.spending import Spending


class Piece:
    """Calls the methods of a definition for a key, and holds what they do against the contract."""

    def __init__(
        self,
        connection: Connection,
        definition: PartitionBackfill,
        spending: Spending,
        settings: Settings,
        attempt: int,
    ) -> None:
        self._connection = connection
        self._definition = definition
        self._spending = spending
        self._seconds = settings.partition_seconds
        self._attempt = attempt

    async def fetched(self, key: str) -> Any:
        """What `fetch` gives; raises SchemaError for what no key is to blame for."""
        seconds, requests = self._seconds, cancel_requests()
        deadline = asyncio.timeout(None)
        try:
            async with deadline:
                call = _Call(self._attempt, await self._loaded(key), self._spending, deadline, seconds)
                call.allow()
                return await self._definition.fetch(call, key)
        except BaseException as error:
            if deadline.expired() and isinstance(error, TimeoutError):
                raise TransientError(f"not fetched within {seconds:g} s (BACKFILL_PARTITION_SECONDS)") from error
            if cancel_requests() > requests:
                raise asyncio.CancelledError from error
            if not isinstance(error, Exception):  # nothing that a definition raises is the worker's end
                raise RuntimeError(texts.in_a_line(error)) from error  # noqa: TRY004 - of no type in particular
            raise

    async def written(self, key: str, fetched: Any, tally: Tally) -> None:
        """Write it in the transaction that is open, and count what that came to."""
        with self._blaming("write", key):
            outcome = await self._definition.write(self._connection, key, fetched)
        # What is only checked at the COMMIT would be nobody's.
        await self._connection.execute(statements.read("target/check_now"))
        self._count(tally, key, outcome)

    async def _loaded(self, key: str) -> Any:
        if type(self._definition).load is PartitionBackfill.load:
            return None
        with self._blaming("load", key):
            loaded = await self._definition.load(self._connection, key)
        if self._connection.is_in_transaction():
            raise SchemaError(f"load of {self._definition.name} has left a transaction open: end it there")
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
            if isinstance(error, asyncpg.InsufficientPrivilegeError):
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

    def __init__(
        self, attempt: int, loaded: Any, spending: Spending, deadline: asyncio.Timeout, seconds: float
    ) -> None:
        self.attempt = attempt
        self.loaded = loaded
        self._spending = spending
        self._deadline = deadline
        self._seconds = seconds
        self._under_way: list[Any] = []

    def allow(self) -> None:
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> Self:
        self._deadline.reschedule(None)
        call = self._spending.call()
        await call.__aenter__()
        self._under_way.append(call)
        self.allow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._under_way.pop().__aexit__(kind, error, traceback)
