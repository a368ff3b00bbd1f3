"""Which errors of PostgreSQL and the network mean: later, which: it is away, and which: the call was wrong."""

import asyncpg
import pytest

from backfill.broker import BrokerLostError
from backfill.database import is_away, is_transient, quote


@pytest.mark.parametrize(
    ("error", "transient", "away"),
    [
        (asyncpg.ConnectionDoesNotExistError("gone"), True, True),
        (asyncpg.AdminShutdownError("terminating"), True, True),
        (asyncpg.CrashShutdownError("crash"), True, True),
        (asyncpg.CannotConnectNowError("starting up"), True, True),
        (asyncpg.TooManyConnectionsError("full"), True, True),
        (asyncpg.InterfaceError("connection is closed"), True, True),
        (asyncpg.InterfaceError("cannot call X(): connection has been released back to the pool"), True, True),
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), True, True),
        (ConnectionResetError(), True, True),
        (BrokerLostError(), True, True),
        (TimeoutError(), True, False),
        (asyncpg.LockNotAvailableError("lock timeout"), True, False),
        (asyncpg.DeadlockDetectedError("deadlock"), True, False),
        (asyncpg.SerializationError("serialize"), True, False),
        (asyncpg.QueryCanceledError("statement timeout"), True, False),
        (asyncpg.DiskFullError("full"), True, False),
        (asyncpg.InterfaceError("the server expects 0 arguments for this query, 1 was passed"), False, False),
        (asyncpg.DataError("invalid input"), False, False),
        (asyncpg.CheckViolationError("no"), False, False),
        (asyncpg.UndefinedColumnError("no"), False, False),
        (ValueError("no"), False, False),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
def test_an_error_is_transient_away_or_final(error: Exception, transient: bool, away: bool) -> None:
    assert is_transient(error) is transient
    assert is_away(error) is away


@pytest.mark.parametrize(("name", "quoted"), [("id", '"id"'), ('a"b', '"a""b"'), ("x; DROP", '"x; DROP"')])
def test_a_name_is_quoted_as_postgresql_would(name: str, quoted: str) -> None:
    assert quote(name) == quoted
