"""What an error of PostgreSQL or of the network means: later, away, or something that a person puts right."""

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from backfill.errors import BackfillError, SchemaError, UnreachableError, UsageError
from backfill.settings import mask
from backfill.texts import clean

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
LOGIN: Final = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)


class SilentServerError(ConnectionError):
    """A session that gives no answer, and a server that gives none either, or another one in its place."""


class LoginRefusedError(ConnectionError):
    """A login that was accepted before: a password may be being changed just now."""


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


@asynccontextmanager
async def translated(url: str) -> AsyncIterator[None]:
    """Turn what PostgreSQL and the network say into errors a person can act on, also in a group of tasks."""
    where = mask(url)
    try:
        yield
    except BackfillError:
        raise
    except BaseExceptionGroup as group:
        found = next(_known(group, where), None)
        if found is None:
            raise
        raise found[1] from found[0]
    except Exception as error:
        meant = meaning(error, where)
        if meant is None:
            raise
        raise meant from error


def _known(group: BaseExceptionGroup[BaseException], where: str) -> Iterator[tuple[BaseException, BackfillError]]:
    """Each error of the group that a person can act on, with what it means; of a lost link nobody knows to where."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _known(error, where)
        elif isinstance(error, BackfillError):
            yield error, error
        elif not isinstance(error, OSError) and (meant := meaning(error, where)):
            yield error, meant


def meaning(error: BaseException, where: str) -> BackfillError | None:
    """The error of ours that an error of the driver means; None for one that is a mistake of this program."""
    text = said(error)
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return UnreachableError(f"PostgreSQL at {where} refuses the login ({text}); correct DATABASE_URL")
        case asyncpg.ClientConfigurationError():
            return UsageError(f"DATABASE_URL {where!r}: {text}{_hint(text)}")
        case asyncpg.InvalidCatalogNameError():
            return UnreachableError(f"PostgreSQL at {where}: {text}; create it, or correct DATABASE_URL")
        case asyncpg.UndefinedTableError() if "backfill_" in text:
            return SchemaError("the ledger is missing in this database; run: backfill init")
        case asyncpg.UndefinedTableError():
            return SchemaError(f"{text}; correct the definition or the database")
        case asyncpg.UndefinedColumnError():
            return SchemaError(f"{text}; correct the definition, or run: backfill init")
        case asyncpg.InsufficientPrivilegeError():
            return SchemaError(f"{text}; grant it to the role of DATABASE_URL")
        case asyncpg.SyntaxOrAccessError():  # an operator or a function that a type does not have
            return SchemaError(f"{text}; correct the definition or the database")
        case asyncpg.ReadOnlySQLTransactionError():
            return UnreachableError(
                f"PostgreSQL at {where} is read-only ({text}); name the primary in DATABASE_URL, or several hosts with "
                "target_session_attrs=read-write"
            )
        case asyncpg.QueryCanceledError():
            return UnreachableError(
                f"PostgreSQL at {where} cut a statement off ({text}); give the role of DATABASE_URL more time: "
                "ALTER ROLE … SET statement_timeout"
            )
        case ssl.SSLError():
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            return UnreachableError(
                f"PostgreSQL at {where}: no TLS, {why}; correct the server's certificate, or sslrootcert and sslmode "
                "in DATABASE_URL"
            )
        case (
            asyncpg.CannotConnectNowError()
            | asyncpg.PostgresConnectionError()
            | asyncpg.TooManyConnectionsError()
            | asyncpg.AdminShutdownError()
            | asyncpg.CrashShutdownError()
            | asyncpg.InterfaceError()  # a connection that was lost a moment ago says no more than that it is closed
            | asyncpg.InternalClientError()
            | LoginRefusedError()
        ):
            return UnreachableError(f"PostgreSQL at {where}: {text}; try again when it is up")
        case OSError():
            why = "no answer in time" if isinstance(error, TimeoutError) else (error.strerror or text)
            return UnreachableError(
                f"cannot reach PostgreSQL at {where} ({why}); start it, correct DATABASE_URL, "
                "or start private services with: backfill services up"
            )
    return None


def said(error: BaseException) -> str:
    """What the error says, in one line."""
    first = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return " ".join(clean(first, 500).split()) or type(error).__name__


def _hint(text: str) -> str:
    if "root certificate" in text:
        return "; add sslrootcert=FILE, or sslrootcert=system for the machine's own authorities"
    return ""
