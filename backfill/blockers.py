"""Who has the lock that a session waits for."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg

from backfill import statements
from backfill.cancelling import cancel, cancel_requests
from backfill.database import Connection, is_transient
from backfill.errors import BackfillError, UnreachableError
from backfill.texts import clean

ASK_SECONDS: Final = 1.0  # between two questions of a process: each holds up all locking of the server for a moment
SOMEBODY: Final = "waits for a lock of a session that is not known"
MOST_SHOWN: Final = 600
QUIET_SECONDS: Final = 0.7  # most commands are over by then, and need no second connection

T = TypeVar("T")
Beat = Callable[[Connection], Awaitable[object]]
Connect = Callable[[], AbstractAsyncContextManager[Connection]]
SESSION: Final = {"lock_timeout": "500", "statement_timeout": "5000"}  # of who asks: it must not wait itself


class Blockers:
    """Asks the server, as often as is kind."""

    def __init__(self) -> None:
        self._next = 0.0

    @property
    def may_ask(self) -> bool:
        return time.monotonic() >= self._next

    async def ask(self, connection: Connection, process: int) -> str | None:
        """Who keeps that other session waiting; None when nobody does, or it was asked a moment ago."""
        if not self.may_ask:
            return None
        rows = await connection.fetch(statements.read("catalog/read_blockers"), process)
        if not rows:  # it does not wait: that was cheap to see
            return None
        self._next = time.monotonic() + ASK_SECONDS
        return described(rows)


class Watch:
    """Says for whom a command's sessions wait, when they do, and when they go on."""

    def __init__(self, connect: Connect, say: Callable[[str], None]) -> None:
        self._connect = connect
        self._say = say
        self._blockers = Blockers()
        self._said: str | None = None
        self.sessions: list[Connection] = []
        self.who: str | None = None  # has the lock that one of them waits for now
        self.beat: Beat | None = None  # what must not be forgotten over the waiting

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, and again when it was cut off while it waited for a lock: the operator alone ends that."""
        while True:
            try:
                return await work()
            except (TimeoutError, asyncpg.LockNotAvailableError):
                if self.who is None or cancel_requests():
                    raise
            await asyncio.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - no secret

    async def run(self) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        while True:
            try:
                async with self._connect() as connection:
                    while True:
                        await self._look(connection)
                        await asyncio.sleep(ASK_SECONDS)
            except Exception as error:  # whoever has the command's own connection hears of it
                if not (isinstance(error, BackfillError) or is_transient(error)):
                    raise
            await asyncio.sleep(ASK_SECONDS)

    async def _look(self, connection: Connection) -> None:
        found = [
            who
            for session in self.sessions
            if not session.is_closed() and (who := await self._blockers.ask(connection, session.get_server_pid()))
        ]
        # Sessions of the command's own wait for each other now and then, and none for long: that is no news.
        still, self.who = self.who is not None, found[0] if found else None
        if self.who is None:
            if self._said is not None:
                self._say("It goes on.")
            self._said = None
        elif still and self.who != self._said:
            self._said = self.who
            self._say(f"Waits for a lock of {self.who}")
        if self.who is not None and self.beat is not None:
            await self.beat(connection)


@asynccontextmanager
async def watching(connect: Connect, say: Callable[[str], None]) -> AsyncIterator[Watch]:
    """Watch beside the block; what was cut off while it waited for a lock says so."""
    watch = Watch(connect, say)
    task = asyncio.create_task(watch.run(), name="watch of locks")
    try:
        yield watch
    except (TimeoutError, asyncpg.LockNotAvailableError) as error:
        if watch.who is None:
            raise
        raise UnreachableError(
            f"waited in vain for a lock of {watch.who}; try again when that session is done, or end it"
        ) from error
    finally:
        await cancel({task})
        if not task.cancelled():
            task.result()


def described(rows: Sequence[Any]) -> str:
    return clean("; ".join(map(_one, rows)), MOST_SHOWN)


def _one(row: Any) -> str:
    if row["pid"] == 0:
        return "a prepared transaction (see pg_prepared_xacts)"
    parts = [f"user {row['usename']}"] if row["usename"] else []
    parts += [f"application {row['application_name']}"] if row["application_name"] else []
    parts += [row["backend_type"]] if row["backend_type"] not in (None, "client backend") else []
    parts += [row["state"]] if row["state"] else []
    parts += [f"in a transaction since {row['xact_start']:%Y-%m-%d %H:%M:%S} UTC"] if row["xact_start"] else []
    what = " ".join(clean(row["query"] or "", 200).split())
    shown = f"process {row['pid']}" + (f" ({', '.join(parts)})" if parts else " (which this role may not see)")
    return f"{shown}: {what}" if what else shown
