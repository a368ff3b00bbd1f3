"""The server's way to the ledger: few connections, each for a short time, and an answer even when there is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from backfill import database, schema
from backfill.database import Connection, Pool, is_away, is_transient, translated
from backfill.database_errors import said
from backfill.errors import BackfillError, UnreachableError
from backfill.masking import mask
from backfill.settings import Settings

SIZE: Final = 8
ACQUIRE_SECONDS: Final = 1.5
STATEMENT_MS: Final = 3_000
# In all, so that whoever asks is answered within five seconds whatever the database does, the look at tokens included.
SECONDS: Final = 3.0
RELEASE_SECONDS: Final = 1.0
# What grows with a job's records, such as to delete it, may take as long as this, two of it at once.
STEERING_SECONDS: Final = 60.0
STEERINGS: Final = 2


class DatabaseAwayError(UnreachableError):
    """PostgreSQL gives no answer, or none in time."""

    service = "database"


class BusyError(DatabaseAwayError):
    """PostgreSQL answers, and something else is in the way for the moment; nothing was done."""


class UnsureError(DatabaseAwayError):
    """The answer did not come whether what was asked for was done."""


class Ledger:
    """Connections of a pool, each lent for the length of a block; and two of their own for what takes its time."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._url = settings.need_database()
        self._tenant = settings.tenant
        self._steering = asyncio.Semaphore(STEERINGS)

    @asynccontextmanager
    async def connection(self, seconds: float = SECONDS) -> AsyncIterator[Connection]:
        """A connection for at most so long; raises DatabaseAwayError, which is a BusyError where it may pass soon."""
        async with self._told(seconds):
            connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
            try:
                yield connection
            except (asyncio.CancelledError, TimeoutError):
                # It waits for an answer that may never come: the next one is not to wait with it.
                connection.terminate()
                raise
            finally:
                await self._pool.release(connection, timeout=RELEASE_SECONDS)

    @asynccontextmanager
    async def steering(self) -> AsyncIterator[Connection]:
        """A connection for what may take a minute.

        Raises BusyError where nothing was done, and UnsureError where it is not known whether something was.
        """
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await self._steering.acquire()
        except TimeoutError as error:
            raise BusyError(
                f"this server does {STEERINGS} things of this kind already; try again in a moment"
            ) from error
        has_begun = False
        try:
            async with self._told(STEERING_SECONDS), self._own() as connection:
                has_begun = True
                yield connection
        except BusyError:
            raise
        except DatabaseAwayError as error:
            if not has_begun:
                raise
            raise UnsureError(
                f"whether it was done is not known: look at the job before you try again ({error})"
            ) from error
        finally:
            self._steering.release()

    @asynccontextmanager
    async def _own(self) -> AsyncIterator[Connection]:
        limits = database.session(int(STEERING_SECONDS * 1000), STATEMENT_MS // 2)
        named = database.connected(self._url, name="backfill-serve steering", tenant=self._tenant, session=limits)
        async with named as connection:
            try:
                yield connection
            except (asyncio.CancelledError, TimeoutError):
                connection.terminate()
                raise

    @asynccontextmanager
    async def _told(self, seconds: float) -> AsyncIterator[None]:
        """Whatever keeps the database from answering is a DatabaseAwayError."""
        where = mask(self._url)
        try:
            async with asyncio.timeout(seconds), translated(self._url):
                yield
        except TimeoutError as error:
            raise DatabaseAwayError(
                f"PostgreSQL at {where} has not answered within {seconds:g} s; see what it does, and try again"
            ) from error
        except UnreachableError as error:
            if type(error) is not UnreachableError:
                raise
            if isinstance(error.__cause__, asyncpg.QueryCanceledError):
                text = (
                    f"PostgreSQL at {where} has not done within {seconds:g} s what was asked ({said(error.__cause__)})"
                )
                raise DatabaseAwayError(f"{text}; see what it does, and try again") from error
            raise DatabaseAwayError(str(error)) from error
        except BackfillError:
            raise
        except Exception as error:
            if not is_transient(error) or is_away(error):
                raise
            raise BusyError(
                f"PostgreSQL at {where} is busy ({said(error)}), and nothing was done; try again in a moment"
            ) from error


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Ledger]:
    """The ledger, once it has been seen that it fits this program; raises UnreachableError or SchemaError."""
    url = settings.need_database()
    async with database.pooled(
        url,
        name="backfill-serve",
        tenant=settings.tenant,
        size=SIZE,
        statement_timeout_ms=STATEMENT_MS,
        lock_timeout_ms=STATEMENT_MS // 2,
        reads_types=False,
    ) as pool:
        made = Ledger(pool, settings)
        async with made.connection() as connection:
            await schema.check(connection)
        yield made
