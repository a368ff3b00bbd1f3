"""A connection through a pooler that gives the server's session to somebody else after every transaction.

Nothing that is set on such a session stays, and a prepared statement is gone or another client's. So everything runs in
a transaction, which begins with the settings, in the same round trip; and no statement has a name.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from backfill import statements
from backfill.errors import SchemaError

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Driver = asyncpg.Connection[asyncpg.Record]
else:
    Driver = asyncpg.Connection

ENDS: Final = ("COMMIT", "ROLLBACK", "RELEASE")
UNDO_SECONDS: Final = 2.0  # a link that has gone silent must not hold anybody up


class NotThroughPoolerError(SchemaError, asyncpg.InterfaceError):
    """A definition does what takes a session of its own: no record is to blame."""


class SharedConnection(Driver):
    """Runs every statement under its settings, in a transaction."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.kept: dict[str, str] = {}
        # The driver would switch JIT off and on again around a question of its own, for whoever has the session next.
        self._server_caps: Any = self._server_caps._replace(jit=False)

    @staticmethod
    def of(connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]") -> "SharedConnection | None":
        """The shared connection that this is, or that is behind a pool's; None for one with a session of its own."""
        # The driver's metaclass takes every connection for an instance of every class of connections.
        inner = getattr(connection, "_con", connection)
        return inner if type(inner) is SharedConnection else None

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        if not self.is_in_transaction():
            if query.startswith("BEGIN"):
                return await self._begin(query, **options)
            if query.startswith(ENDS):  # of a transaction that is over: nothing, or an error, as the server has it
                return await super().execute(query, *args, **options)
        async with self._own_transaction():
            return await super().execute(query, *args, **options)

    async def executemany(self, command: str, args: Any, **options: Any) -> None:
        async with self._own_transaction():
            await super().executemany(command, args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._own_transaction():
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._own_transaction():
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        async with self._own_transaction():
            return await super().fetchval(query, *args, **options)

    async def fetchmany(self, query: str, args: Any, **options: Any) -> Any:
        async with self._own_transaction():
            return await super().fetchmany(query, args, **options)

    async def prepare(self, *arguments: Any, **options: Any) -> Any:
        if not self.is_in_transaction():
            raise NotThroughPoolerError(
                "through a pooler a statement is prepared in a transaction only; use fetch, or connection.transaction()"
            )
        return await super().prepare(*arguments, **options)

    async def _get_statement(self, *arguments: Any, **options: Any) -> Any:
        driver: Any = super()
        return await driver._get_statement(*arguments, **{**options, "named": False})

    async def _begin(self, query: str, **options: Any) -> str:
        text, _, rest = statements.read("session/begin").rpartition("$1")
        try:
            return await super().execute(
                f"{query.rstrip('; ')};\n{text}{_literal(json.dumps(self.kept))}{rest}", **options
            )
        except BaseException:
            await self._undo()
            raise

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncIterator[None]:
        """A transaction for one statement, unless there is one already."""
        if self.is_in_transaction():
            yield
            return
        if self._top_xact is not None:  # nothing more of what belongs to it may run
            raise asyncpg.NoActiveSQLTransactionError("a statement within the transaction has ended it")
        transaction = self.transaction(isolation="read_committed")
        await transaction.start()
        try:
            yield
        except BaseException:
            await self._undo()
            raise
        await transaction.commit()

    async def _undo(self) -> None:
        """End the transaction that has failed, or else the connection: the error is what is to be heard of."""
        self._top_xact = None
        if self.is_closed():
            return
        try:
            async with asyncio.timeout(UNDO_SECONDS):
                await super().execute("ROLLBACK")
        except BaseException:
            self.terminate()


def _literal(text: str) -> str:
    """A text constant, however the server reads backslashes."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
