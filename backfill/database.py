"""Connections to PostgreSQL: bounded in time, named, and under settings of our own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from backfill import addresses, codecs, connecting, sessions
from backfill.database_errors import is_away, is_transient, translated
from backfill.shared import SharedConnection
from backfill.statements import quote

__all__ = ["Connection", "Pool", "is_away", "is_transient", "quote", "translated"]

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

COMMAND_SECONDS: Final = 120.0

# The pool logs every connect that fails with a traceback; whoever waits for the database says so in a line.
logging.getLogger("asyncpg").addHandler(logging.NullHandler())

session = sessions.long_running


def check_url(url: str) -> None:
    """Refuse what is no PostgreSQL URL, before any driver sees it."""
    addresses.read(url)


@asynccontextmanager
async def connected(
    url: str, *, name: str, tenant: str = "default", session: Mapping[str, str] | None = None
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """One connection for a command, or with the settings of a `session` for a long-running process."""
    async with translated(url):
        connection = await connecting.connect(url, name, tenant, session or {}, COMMAND_SECONDS)
        try:
            yield connection
        finally:
            await connecting.close(connection)


@asynccontextmanager
async def pooled(
    url: str,
    *,
    name: str,
    tenant: str = "default",
    size: int,
    statement_timeout_ms: int,
    lock_timeout_ms: int,
    reads_types: bool = True,
) -> AsyncIterator[Pool]:
    """A pool for a long-running process; connections are made as they are needed and after a loss.

    They read and write the types of users' tables, unless nothing but the ledger is read.
    """
    settings = session(statement_timeout_ms, lock_timeout_ms)

    async def connect(*_: Any, **__: Any) -> "asyncpg.Connection[Any]":
        return await connecting.connect(url, name, tenant, settings, statement_timeout_ms / 1000 + 5)

    async def reset(connection: "asyncpg.Connection[Any]") -> None:
        # Resetting a session in which nothing is ever set would be a round trip. After a failover the server of a
        # session may be one that only reads: others may be had. A pooler's are not ours to throw away.
        if _only_reads(connection):
            await pool.expire_connections()

    async with translated(url):
        pool = await asyncpg.create_pool(
            connect=connect,
            min_size=1,
            max_size=size,
            max_inactive_connection_lifetime=300,
            reset=reset,
            init=_read_types if reads_types else None,
        )
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), timeout=3)
        except Exception:
            pool.terminate()


async def _read_types(connection: "asyncpg.Connection[Any]") -> None:
    async with connection.transaction():  # the driver's own questions as well, where sessions are shared
        await codecs.read_types(connection)


def _only_reads(connection: "asyncpg.Connection[Any]") -> bool:
    reported = connection.get_settings()
    return SharedConnection.of(connection) is None and "on" in (
        getattr(reported, "in_hot_standby", "off"),
        getattr(reported, "default_transaction_read_only", "off"),
    )
