"""What a key needs from outside: loaded and fetched, with no transaction open and within a time of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg

from backfill import texts
from backfill.cancelling import cancel_requests
from backfill.database import Connection, is_transient
from backfill.definition import Definition
from backfill.errors import SchemaError, TransientError
from backfill.partition_backfill import PartitionBackfill
from backfill.workers.halving import is_broken_definition
from backfill.workers.outages import is_outage
from backfill.workers.spending import Spending


class Fetching:
    """Fetches for the keys of one claim."""

    def __init__(
        self, connection: Connection, definition: PartitionBackfill, spending: Spending, attempt: int, seconds: float
    ) -> None:
        self._connection = connection
        self._definition = definition
        self._spending = spending
        self._attempt = attempt
        self._seconds = seconds

    async def fetch(self, key: str) -> Any:
        """What the definition fetches; raises what it raises, and TransientError where it takes too long."""
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

    async def _loaded(self, key: str) -> Any:
        if type(self._definition).load is PartitionBackfill.load:
            return None
        with blaming(self._definition, "load", key):
            loaded = await self._definition.load(self._connection, key)
        if self._connection.is_in_transaction():
            raise SchemaError(f"load of {self._definition.name} has left a transaction open: end it there")
        return loaded


@contextmanager
def blaming(definition: Definition, method: str, key: str) -> Iterator[None]:
    """What no key is to blame for, but the definition: a name in its SQL that is not there, or may not be used."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if not is_broken_definition(error):
            raise
        hint = ""
        if isinstance(error, asyncpg.InsufficientPrivilegeError):
            attribute = "reads" if method == "load" else "writes"
            hint = f"; name the table in {attribute} of {definition.name}, then run: backfill init --roles --app …"
        what = f"{method} of {definition.name} for {texts.one_line(key)}"
        raise SchemaError(f"{what}: {texts.in_a_line(error)}{hint}") from error


def may_pass(error: Exception) -> bool:
    """Whether the same key may succeed later."""
    return isinstance(error, TransientError | OSError) or is_transient(error) or is_outage(error)


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
