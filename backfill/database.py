"""Connections to PostgreSQL: bounded in time, named, and with errors that say what to do."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from backfill import codecs
from backfill.errors import SchemaError, UnreachableError, UsageError
from backfill.settings import mask

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

CONNECT_SECONDS: Final = 10.0

# A key or a value has one text, whatever the role, the database or the machine is set to.
PINNED: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",  # as many as it takes to tell two floats apart
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "on",  # the ledger's tenants
}

# The pool logs every connect that fails with a traceback; whoever waits for the database says so in a line.
logging.getLogger("asyncpg").addHandler(logging.NullHandler())

# The server, the connection or the moment is at fault, not the record: the same work may succeed later.
TRANSIENT: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,  # a server that dies while an idle connection is taken leaves the driver confused
    OSError,
    TimeoutError,
)
# The database is away altogether: no attempt of any partition is to blame.
AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    OSError,
)


def is_transient(error: BaseException) -> bool:
    return isinstance(error, TRANSIENT) or _is_closed(error)


def is_away(error: BaseException) -> bool:
    return (isinstance(error, AWAY) and not isinstance(error, TimeoutError)) or _is_closed(error)


def _is_closed(error: BaseException) -> bool:
    """A terminated backend often surfaces as an InterfaceError without an SQLSTATE; other ones mean a wrong call.

    The pool takes back a connection that was closed under its holder, who then hears that it has been released; who
    uses one while the server's good-bye is being read hears of its inner state.
    """
    if isinstance(error, asyncpg.InternalClientError):
        return "cannot switch to state" in str(error)
    return isinstance(error, asyncpg.InterfaceError) and bool(re.search(r"clos|released", str(error)))


def quote(name: str) -> str:
    """An identifier as PostgreSQL's quote_ident would write it; look names up in the catalog before."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for a statement whose parameters are taken."""
    return "'" + text.replace("'", "''") + "'"


@asynccontextmanager
async def translated(url: str) -> AsyncIterator[None]:
    """Turn what PostgreSQL and the network say into errors a person can act on."""
    where = mask(url)
    try:
        yield
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise UnreachableError(f"PostgreSQL at {where} refuses the login ({error}); correct DATABASE_URL") from error
    except asyncpg.ClientConfigurationError as error:
        raise UsageError(f"DATABASE_URL {where!r}: {error}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise UnreachableError(f"PostgreSQL at {where}: {error}; create it, or correct DATABASE_URL") from error
    except asyncpg.UndefinedTableError as error:
        if "backfill_" in str(error):
            raise SchemaError("the ledger is missing in this database; run: backfill init") from error
        raise SchemaError(f"{error}; correct the definition or the database") from error
    except asyncpg.UndefinedColumnError as error:
        raise SchemaError(f"{error}; correct the definition, or run: backfill init") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise SchemaError(f"{error}; grant it to the role of DATABASE_URL") from error
    except asyncpg.SyntaxOrAccessError as error:  # an operator or a function that a type does not have
        raise SchemaError(f"{error.args[0]}; correct the definition or the database") from error
    except (
        asyncpg.CannotConnectNowError,
        asyncpg.PostgresConnectionError,
        asyncpg.TooManyConnectionsError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.InterfaceError,  # a connection that was lost a moment ago says no more than that it is closed
        asyncpg.InternalClientError,
    ) as error:
        raise UnreachableError(f"PostgreSQL at {where}: {error}; try again when it is up") from error
    except (OSError, TimeoutError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        raise UnreachableError(
            f"cannot reach PostgreSQL at {where} ({why}); start it, correct DATABASE_URL, "
            "or start private services with: backfill services up"
        ) from error


def check_url(url: str) -> None:
    """Refuse what is no PostgreSQL URL, before any driver sees it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("postgresql", "postgres") and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"DATABASE_URL {mask(url)!r} is no PostgreSQL URL; write postgresql://user:password@host:5432/database"
        )


@asynccontextmanager
async def connected(
    url: str, *, name: str, tenant: str = "default", session: Mapping[str, str] | None = None
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """One connection for a command, or with the settings of a `session` for a long-running process."""
    check_url(url)
    async with translated(url):
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=120,
            server_settings={
                "application_name": name,
                "app.current_tenant": tenant,
                # Planning a span without sorts looks so costly that PostgreSQL would compile it, for half a second.
                "jit": "off",
                **PINNED,
                **(session or {}),
            },
        )
        try:
            yield connection
        finally:
            await _close(connection)


async def _close(connection: "asyncpg.Connection[Any]") -> None:
    try:
        await connection.close(timeout=2)
    except Exception:
        connection.terminate()


def session(statement_timeout_ms: int, lock_timeout_ms: int) -> dict[str, str]:
    """The server's settings for a session of a long-running process."""
    return {
        "statement_timeout": str(statement_timeout_ms),
        "lock_timeout": str(lock_timeout_ms),
        "idle_in_transaction_session_timeout": "30000",
        # 500 keys a query never pay for compiling it.
        "jit": "off",
        # Nor is the plan for 500 keys ever another one: planning each anew takes a tenth of the whole.
        "plan_cache_mode": "force_generic_plan",
        # Several slots share the machine already.
        "max_parallel_workers_per_gather": "0",
    }


async def _keep_session(connection: object) -> None:
    # The pool would spend a round trip on resetting a session in which nothing is ever set.
    del connection


@asynccontextmanager
async def pooled(
    url: str, *, name: str, tenant: str = "default", size: int, statement_timeout_ms: int, lock_timeout_ms: int
) -> AsyncIterator[Pool]:
    """A pool for a long-running process; connections are made as they are needed and after a loss."""
    check_url(url)
    async with translated(url):
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            timeout=CONNECT_SECONDS,
            command_timeout=statement_timeout_ms / 1000 + 5,
            max_inactive_connection_lifetime=300,
            reset=_keep_session,
            init=codecs.read_types,
            server_settings={
                "application_name": name,
                "app.current_tenant": tenant,
                **PINNED,
                **session(statement_timeout_ms, lock_timeout_ms),
            },
        )
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), timeout=3)
        except Exception:
            pool.terminate()
