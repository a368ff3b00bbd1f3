"""The settings of a session, and how they are kept where a pooler gives every transaction another one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from backfill import statements
from backfill.errors import SchemaError
from backfill.shared import SharedConnection

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
    "default_transaction_isolation": "read committed",  # whoever waited for a row sees what was written meanwhile
    # Planning a span without sorts looks so costly that PostgreSQL would compile it, for half a second; nor do 500 keys
    # a query ever pay for that.
    "jit": "off",
}
# Page along the key's index: sorting would read all that is left for every page. With statistics that know little of
# how many records match, the planner may choose just that.
READ_IN_KEY_ORDER: Final = {"enable_sort": "off", "enable_seqscan": "off"}
TENANT: Final = "app.current_tenant"
UNFLUSHED: Final = {"synchronous_commit": "off"}


def long_running(statement_timeout_ms: int, lock_timeout_ms: int) -> dict[str, str]:
    """The server's settings for a session of a long-running process."""
    return {
        "statement_timeout": str(statement_timeout_ms),
        # Shorter than the other: who waits for a lock is to be told from what is slow.
        "lock_timeout": str(min(lock_timeout_ms, statement_timeout_ms // 2)),
        "idle_in_transaction_session_timeout": "30000",
        # The plan for 500 keys is never another one: planning each anew takes a tenth of the whole.
        "plan_cache_mode": "force_generic_plan",
        # Several slots share the machine already.
        "max_parallel_workers_per_gather": "0",
    }


async def put(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]", settings: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Let the session be under these settings from now on; returns what to put to have it as it was.

    Within a transaction they hold until its end: what is there before may be of the transaction alone.
    """
    shared, is_local = SharedConnection.of(connection), connection.is_in_transaction()
    if shared is None or is_local:
        names = list(settings)
        rows = await connection.fetch(
            statements.read("session/set"), names, [settings[name] or "" for name in names], is_local
        )
        return {name: row["before"] for name, row in zip(names, rows, strict=True)}
    before = {name: shared.kept.get(name) for name in settings}
    for name, value in settings.items():
        if value is None:
            shared.kept.pop(name, None)
        else:
            shared.kept[name] = value
    return before


@asynccontextmanager
async def brief(connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]") -> AsyncIterator[None]:
    """A transaction of the ledger's own statements, which lock what everybody may wait for.

    PostgreSQL ends its session when this process stands still in it: nothing of it was done then. Within a transaction
    that has more to do, that one's limits stay.
    """
    is_whole = not connection.is_in_transaction()
    async with connection.transaction(isolation="read_committed"):
        if is_whole:
            await connection.execute(statements.read("session/brief"))
        yield


async def need_ended(connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]", method: str) -> None:
    """Raise SchemaError where a method of a definition has left a transaction open; it is ended, as others may wait."""
    if await roll_back(connection):
        raise SchemaError(f"{method} has left a transaction open: end it there")


async def roll_back(connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]") -> bool:
    """End the transaction that is open, if there is one; returns whether there was."""
    if connection.is_closed() or not connection.is_in_transaction():
        return False
    await connection.execute("ROLLBACK")
    return True


@asynccontextmanager
async def of_definition(
    connection: "asyncpg.Connection[Any] | PoolConnectionProxy[Any]", settings: Mapping[str, str]
) -> AsyncIterator[None]:
    """Run what the block does under a definition's settings; they are gone afterwards."""
    wanted = {name: value for name, value in settings.items() if name != TENANT}  # which every session has
    if not wanted:
        yield
        return
    before = await put(connection, wanted)
    try:
        yield
    finally:
        if not connection.is_closed():
            try:
                await put(connection, before)
            except BaseException:
                # Whoever has the session next must not work under them.
                connection.terminate()
                raise
