"""What becomes of a claim whose work was interrupted: the database went away, or this worker stops."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from backfill import statements
from backfill.database import Pool, is_away, is_transient
from backfill.database_errors import LedgerSilentError
from backfill.ledger import interruptions, partitions
from backfill.ledger.interruptions import Fate
from backfill.ledger.partitions import Claim
from backfill.workers.claims import CommitUnknownError

PAUSE_SECONDS: Final = 0.2  # before PostgreSQL is asked again
LONGEST_PAUSE_SECONDS: Final = 1.0
# Within which a server that is there connects and answers. The pool has the same limit: without one it waits for the
# end of what was cancelled on a silent session, for as long as a statement may take.
ANSWER_SECONDS: Final = 5.0
LAST_SECONDS: Final = 2.0  # for giving a claim back when the worker stops
SOONER: Final = 60  # times, after an interruption, than after an attempt
# The server names another cause, or no session was there that could have been ended.
OTHERS: Final = (
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    ConnectionRefusedError,
    LedgerSilentError,
)


class Interruptions:
    """Outlives outages, and gives claims back."""

    def __init__(self, pool: Pool, retry_delays: tuple[float, ...]) -> None:
        self._pool = pool
        self._rest_seconds = retry_delays[0] / SOONER if retry_delays else 1.0

    async def outlive(self, claim: Claim | None, error: Exception) -> Fate:
        """Wait until PostgreSQL takes writes, give the claim back there if there is one, and say how to go on."""
        pause = PAUSE_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            try:
                async with asyncio.timeout(ANSWER_SECONDS), self._pool.acquire(timeout=ANSWER_SECONDS) as connection:
                    if claim is None:
                        if await connection.fetchval(statements.read("catalog/takes_writes")):
                            return Fate.AGAIN
                        continue
                    return await interruptions.give_back(
                        connection, claim, may_be_own=may_be_own(error), rest_seconds=self._rest_seconds
                    )
            except Exception as again:
                if not is_transient(again):
                    raise

    async def is_silent(self, claim: Claim) -> bool:
        """Whether the server that gave the claim answers nobody now, or another one does in its place."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._pool.acquire(timeout=ANSWER_SECONDS) as connection:
                started = await connection.fetchval(statements.read("catalog/server_started"))
        except Exception as error:
            if not is_transient(error):
                raise
            return True
        return bool(started != claim.server_started)

    async def give_back(self, claim: Claim | None) -> None:
        """The worker stops: on another connection, as far as that is possible in two seconds; else the lease ends."""
        if claim is None:
            return None
        with contextlib.suppress(Exception):
            async with asyncio.timeout(LAST_SECONDS):
                while True:  # where one session was ended, the pool's others may have been too
                    try:
                        async with self._pool.acquire(timeout=LAST_SECONDS) as connection:
                            return await partitions.release(connection, claim)
                    except Exception as error:
                        if not is_transient(error):
                            raise
                    await asyncio.sleep(PAUSE_SECONDS)


def cause_of(error: Exception) -> Exception:
    """What lies behind a COMMIT whose answer never came, or the error itself."""
    cause = error.__cause__
    return cause if isinstance(error, CommitUnknownError) and isinstance(cause, Exception) else error


def may_be_own(error: Exception) -> bool:
    """Whether a session has ended, and it may have been what ran in it that ended it."""
    return is_away(error) and not isinstance(error, OTHERS)
