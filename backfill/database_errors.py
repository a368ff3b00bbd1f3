"""What an error of PostgreSQL or of the network means: later, away, or something that a person puts right."""

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from backfill.errors import BackfillError, SchemaError, UnreachableError, UsageError
from backfill.masking import mask
from backfill.texts import clean

LOGIN: Final = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)


class SilentServerError(ConnectionError):
    """A session that gives no answer, and a server that gives none either, or another one in its place."""


class LedgerSilentError(ConnectionError):
    """The ledger gives no answer in another session than that of the claim that waits for it."""


class LoginRefusedError(ConnectionError):
    """A login that was accepted before: a password may be being changed just now."""


@dataclass(frozen=True)
class Meaning:
    """What an error of a class means."""

    kind: type[BaseException]
    transient: bool = False  # the server, the connection or the moment is at fault: the same work may succeed later
    away: bool = False  # the database is away altogether: no attempt of any partition is to blame
    # For people: an error of ours, its text of the place and of what the driver says.
    error: type[BackfillError] | None = None
    sentence: str = ""


UNTIL_UP: Final = "PostgreSQL at {where}: {text}; try again when it is up"
UNREACHED: Final = (
    "cannot reach PostgreSQL at {where} ({why}); start it, correct DATABASE_URL, or start private services with: "
    "backfill services up"
)
REFUSED: Final = "PostgreSQL at {where} refuses the login ({text}); correct DATABASE_URL"
CORRECT: Final = "{text}; correct the definition or the database"


def _later(kind: type[BaseException]) -> Meaning:
    return Meaning(kind, True, True, UnreachableError, UNTIL_UP)


# The first that an error is an instance of counts: particular ones stand before what they are kinds of.
MEANINGS: Final = (
    Meaning(asyncpg.InvalidPasswordError, error=UnreachableError, sentence=REFUSED),
    Meaning(asyncpg.InvalidAuthorizationSpecificationError, error=UnreachableError, sentence=REFUSED),
    Meaning(asyncpg.ClientConfigurationError, error=UsageError, sentence="DATABASE_URL {where!r}: {text}{hint}"),
    Meaning(
        asyncpg.InvalidCatalogNameError,
        error=UnreachableError,
        sentence="PostgreSQL at {where}: {text}; create it, or correct DATABASE_URL",
    ),
    Meaning(asyncpg.UndefinedTableError, error=SchemaError, sentence=CORRECT),
    Meaning(
        asyncpg.UndefinedColumnError,
        error=SchemaError,
        sentence="{text}; correct the definition, or run: backfill init",
    ),
    Meaning(
        asyncpg.InsufficientPrivilegeError,
        error=SchemaError,
        sentence="{text}; grant it to the role of DATABASE_URL{hint}",
    ),
    # An operator or a function that a type does not have, for one.
    Meaning(asyncpg.SyntaxOrAccessError, error=SchemaError, sentence=CORRECT),
    Meaning(
        asyncpg.ReadOnlySQLTransactionError,
        True,
        True,
        UnreachableError,
        "PostgreSQL at {where} is read-only ({text}); name the primary in DATABASE_URL, or several hosts with "
        "target_session_attrs=read-write",
    ),
    Meaning(
        asyncpg.QueryCanceledError,
        True,
        error=UnreachableError,
        sentence="PostgreSQL at {where} cut a statement off ({text}); give the role of DATABASE_URL more time: "
        "ALTER ROLE … SET statement_timeout",
    ),
    _later(asyncpg.CannotConnectNowError),
    _later(asyncpg.PostgresConnectionError),
    _later(asyncpg.TooManyConnectionsError),
    _later(asyncpg.AdminShutdownError),
    _later(asyncpg.CrashShutdownError),
    # Sessions that PostgreSQL has ended, as this process stood still with a transaction open.
    _later(asyncpg.IdleInTransactionSessionTimeoutError),
    _later(asyncpg.TransactionTimeoutError),
    Meaning(asyncpg.OperatorInterventionError, True),
    Meaning(asyncpg.InsufficientResourcesError, True),
    Meaning(asyncpg.TransactionRollbackError, True),
    Meaning(asyncpg.LockNotAvailableError, True),
    # A server that dies while an idle connection is taken leaves the driver confused.
    _later(asyncpg.InternalClientError),
    # Of a connection that was lost a moment ago; whether it was, its text tells.
    Meaning(asyncpg.InterfaceError, error=UnreachableError, sentence=UNTIL_UP),
    _later(LoginRefusedError),
    Meaning(
        ssl.SSLError,
        True,
        True,
        UnreachableError,
        "PostgreSQL at {where}: no TLS, {why}; correct the server's certificate, or sslrootcert and sslmode in "
        "DATABASE_URL",
    ),
    Meaning(TimeoutError, True, error=UnreachableError, sentence=UNREACHED),
    Meaning(OSError, True, True, UnreachableError, UNREACHED),
)


def _found(error: BaseException) -> Meaning | None:
    return next((one for one in MEANINGS if isinstance(error, one.kind)), None)


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed later."""
    found = _found(error)
    return (found is not None and found.transient) or _is_closed(error)


def is_away(error: BaseException) -> bool:
    """Whether the database is away altogether."""
    found = _found(error)
    return (found is not None and found.away) or _is_closed(error)


def _is_closed(error: BaseException) -> bool:
    """A terminated backend often surfaces as an InterfaceError without an SQLSTATE; other ones mean a wrong call.

    The pool takes back a connection that was closed under its holder, who then hears that it has been released.
    """
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
    if isinstance(error, asyncpg.UndefinedTableError) and "backfill_" in text:
        return SchemaError("the ledger is missing in this database; run: backfill init")
    found = _found(error)
    if found is None or found.error is None:
        return None
    return found.error(found.sentence.format(where=where, text=text, hint=_hint(text), why=_why(error, text)))


def _why(error: BaseException, text: str) -> str:
    match error:
        case ssl.SSLError():
            return str(getattr(error, "verify_message", "") or getattr(error, "reason", "") or error)
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return error.strerror or text
    return text


def said(error: BaseException) -> str:
    """What the error says, in one line."""
    first = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return " ".join(clean(first, 500).split()) or type(error).__name__


def _hint(text: str) -> str:
    if "root certificate" in text:
        return "; add sslrootcert=FILE, or sslrootcert=system for the machine's own authorities"
    if "backfill_tokens" in text:
        return ": backfill_owner for who makes tokens, backfill_server for the server (backfill init --roles)"
    if re.match(r"permission denied for \w+ backfill_", text):
        return (
            ": backfill_worker for who works on jobs, backfill_operator for who opens and steers them, backfill_reader "
            "for who looks (backfill init --roles)"
        )
    return ""
