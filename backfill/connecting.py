"""The way to a database: straight to a session of one's own, or through a pooler that shares sessions."""

import asyncio
import ssl
from collections.abc import Coroutine, Mapping
from functools import lru_cache
from typing import Any, Final

import asyncpg

from backfill import addresses, sessions, statements
from backfill.addresses import Address
from backfill.database_errors import LOGIN, LoginRefusedError, is_transient, meaning, said
from backfill.errors import BackfillError, SchemaError, UsageError
from backfill.masking import mask
from backfill.route import Route
from backfill.sessions import PINNED
from backfill.shared import SharedConnection
from backfill.statements import quote

# A statement is another client's, or is in another session: somebody shares them out.
POOLERS: Final = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)
CLOSE_SECONDS: Final = 2.0
LAST_SECONDS: Final = 1.0  # for a connection that nobody wants any more
LEFTOVER: Final = "unexpected connection_lost() call"  # the driver's words


@lru_cache(maxsize=64)
def _route(url: str) -> Route:
    address = addresses.read(url)
    return Route(address, address.is_shared, address.each)


async def connect(
    url: str, name: str, tenant: str, settings: Mapping[str, str], command_seconds: float
) -> "asyncpg.Connection[Any]":
    """A session under its settings, with the ledger on its search path; through a pooler, one that shares sessions."""
    route = _route(url)
    wanted = {**route.address.settings, "app.current_tenant": tenant, **PINNED, **settings}
    try:
        if not route.is_shared:
            connection = await _dedicated(route, name, wanted, command_seconds)
            if connection is not None:
                return connection
            route.is_shared = True
        return await _shared(route, name, wanted, command_seconds)
    except LOGIN as error:
        if not route.may_be_accepted_again():
            raise
        raise LoginRefusedError(str(error)) from error
    except (BackfillError, OSError):
        raise
    except asyncpg.PostgresError as error:
        is_known = is_transient(error) or meaning(error, "") is not None
        if is_known and not isinstance(error, asyncpg.SyntaxOrAccessError):
            raise
        raise UsageError(f"DATABASE_URL {mask(url)!r}: {said(error)}; correct it") from error


async def _dedicated(
    route: Route, name: str, wanted: dict[str, str], command_seconds: float
) -> "asyncpg.Connection[Any] | None":
    """A session that is nobody else's; None when a pooler refuses the settings, or has dropped them."""
    try:
        connection = await _open(route, {"application_name": name, **wanted}, command_seconds, asyncpg.Connection)
    except asyncpg.ProtocolViolationError as error:
        if "unsupported startup parameter" in str(error):
            return None
        raise
    try:
        row = await _look_from_a_session_of_ones_own(connection)
        if row is None or row["tenant"] != wanted["app.current_tenant"]:
            await close(connection)
            return None
        await _see_the_ledger(connection, route.address, row)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _shared(route: Route, name: str, wanted: dict[str, str], command_seconds: float) -> "asyncpg.Connection[Any]":
    connection = await _open(route, {"application_name": name}, command_seconds, SharedConnection)
    shared = SharedConnection.of(connection)
    assert shared is not None  # noqa: S101 - it was asked for
    try:
        shared.kept |= wanted
        await _see_the_ledger(connection, route.address, await _look(connection))
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _open(
    route: Route, server_settings: dict[str, str], command_seconds: float, kind: type["asyncpg.Connection[Any]"]
) -> "asyncpg.Connection[Any]":
    address = route.address
    _mind_leftovers(asyncio.get_running_loop())

    async def to(host: str) -> "asyncpg.Connection[Any]":
        return await _to_the_end(
            asyncpg.connect(
                host,
                timeout=address.connect_seconds,
                command_timeout=command_seconds,
                statement_cache_size=0 if route.is_shared else 100,
                max_cached_statement_lifetime=0,  # those that expire are closed without a limit in time
                ssl=ssl.create_default_context() if address.trusts_system else None,
                server_settings=server_settings,
                connection_class=kind,
            )
        )

    connection = await route.first(to)
    transport: asyncio.Transport = getattr(connection, "_transport")  # noqa: B009 - the driver has no public name
    link = transport.get_extra_info("socket")
    for option in addresses.socket_options(address):
        try:
            link.setsockopt(*option)
        except OSError:  # a socket of the file system has none of them
            break
    return connection


def _mind_leftovers(loop: asyncio.AbstractEventLoop) -> None:
    """Let nothing be printed of what the driver leaves behind; whoever has a handler of his own keeps it.

    A statement is cancelled on a connection of the driver's own. When the session ends while that one is being opened,
    the driver drops it with an error that nobody takes, and asyncio prints it when memory is tidied up.
    """
    if loop.get_exception_handler() is None:
        loop.set_exception_handler(_except_leftovers)


def _except_leftovers(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    if not (isinstance(error, ConnectionError) and str(error) == LEFTOVER):
        loop.default_exception_handler(context)


async def _to_the_end(opening: Coroutine[Any, Any, "asyncpg.Connection[Any]"]) -> "asyncpg.Connection[Any]":
    """Cancelled while it connects, the driver would leave an error behind that nobody takes."""
    task = asyncio.ensure_future(opening)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=LAST_SECONDS)
        finally:
            if task.done() and not task.cancelled() and task.exception() is None:
                task.result().terminate()
            task.cancel()
        raise


async def _look_from_a_session_of_ones_own(connection: "asyncpg.Connection[Any]") -> "asyncpg.Record | None":
    """The same without a name for the statement, which would stay in a pooler's session; None where it got lost."""
    try:
        statement = await connection.prepare(statements.read("session/read"), name="")
        return await statement.fetchrow()
    except POOLERS:
        return None


async def _look(connection: "asyncpg.Connection[Any]") -> "asyncpg.Record":
    row: asyncpg.Record | None = await connection.fetchrow(statements.read("session/read"))
    assert row is not None  # noqa: S101 - it has no FROM
    return row


async def _see_the_ledger(connection: "asyncpg.Connection[Any]", address: Address, row: "asyncpg.Record") -> None:
    """Put the ledger's schema at the end of the search path: the definitions' tables are found as before."""
    wanted, found, ledgers = address.ledger_schema, row["found"], row["ledgers"]
    if wanted and found not in (None, wanted):
        raise SchemaError(
            f"BACKFILL_SCHEMA is {wanted}, but the search path finds a ledger in {found} first; "
            "drop that one, or name it"
        )
    if found is None and not wanted and len(ledgers) > 1:
        raise SchemaError(f"there are ledgers in {' and '.join(ledgers)}; say which with BACKFILL_SCHEMA")
    if found is None and (schema := wanted or "".join(ledgers)):
        path = row["search_path"]
        path = f"{path}, {quote(schema)}" if path not in ("", '""') else quote(schema)
        await sessions.put(connection, {"search_path": path})


async def close(connection: "asyncpg.Connection[Any]") -> None:
    """Say good-bye, for two seconds at most: the driver sets no bound to waiting for a statement that was cancelled."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
    except Exception:
        connection.terminate()
