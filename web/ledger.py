"""The server's way to the ledger: few connections, each for a short time, and an answer even when there is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from backfill import database, schema
from backfill.database import Connection, Pool, translated
from backfill.errors import UnreachableError
from backfill.masking import mask
from backfill.settings import Settings

SIZE: Final = 8
ACQUIRE_SECONDS: Final = 1.5
STATEMENT_MS: Final = 3_000
# In all, so that whoever asks is answered within five seconds whatever the database does, the look at tokens included.
SECONDS: Final = 3.0
RELEASE_SECONDS: Final = 1.0


class DatabaseAwayError(UnreachableError):
    """PostgreSQL gives no answer, or none in time."""

    service = "database"


class Ledger:
    """Connections of a pool, each lent for the length of a block."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool = pool
        self._url = url

    @asynccontextmanager
    async def connection(self, seconds: float = SECONDS) -> AsyncIterator[Connection]:
        """A connection for at most so long; raises DatabaseAwayError."""
        where = mask(self._url)
        try:
            async with asyncio.timeout(seconds), translated(self._url):
                connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
                try:
                    yield connection
                except (asyncio.CancelledError, TimeoutError):
                    # It waits for an answer that may never come: the next one is not to wait with it.
                    connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection, timeout=RELEASE_SECONDS)
        except TimeoutError as error:
            raise DatabaseAwayError(
                f"PostgreSQL at {where} has not answered within {seconds:g} s; see what it does, and try again"
            ) from error
        except UnreachableError as error:
            if type(error) is not UnreachableError:
                raise
            raise DatabaseAwayError(str(error)) from error


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
        made = Ledger(pool, url)
        async with made.connection() as connection:
            await schema.check(connection)
        yield made
