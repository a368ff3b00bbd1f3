"""The ledger, asked beside the claims that wait for the answer: what goes wrong there is none of their doing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backfill.database import Connection, Pool, is_away
from backfill.database_errors import LedgerSilentError


@asynccontextmanager
async def question(pool: Pool, seconds: float) -> AsyncIterator[Connection]:
    """A session for one question; raises LedgerSilentError where it, or the server behind it, gives no answer.

    After a failover the pool may still have sessions of the server that fell silent, while claims are the new one's.
    """
    try:
        async with pool.acquire(timeout=seconds) as connection:
            yield connection
    except Exception as error:
        if isinstance(error, TimeoutError) or is_away(error):
            raise LedgerSilentError(str(error)) from error
        raise
