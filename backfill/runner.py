"""How a command does its work: an event loop, a connection to the ledger, and whether that fits this program."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from backfill.console import note, read_settings
from backfill.errors import RefusedError, UnreachableError
from backfill.eventloop import run
from backfill.settings import Settings

if TYPE_CHECKING:  # --help loads no network library
    import asyncpg
    from aio_pika.abc import AbstractConnection

    from backfill.blockers import Watch
    from backfill.publisher import Publisher

T = TypeVar("T")


def on_ledger(
    name: str, work: "Callable[[asyncpg.Connection[Any]], Awaitable[T]]", settings: Settings | None = None
) -> T:
    """Run the work of the command `name` on a checked connection to the ledger."""
    used = settings or read_settings()

    async def connected() -> T:
        async with checked(used, name) as connection:
            return await work(connection)

    return run(connected())


@asynccontextmanager
async def checked(settings: Settings, name: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection to a ledger of this program's version; raises SchemaError for any other."""
    from backfill import schema

    async with ledger(settings, name) as connection:
        await schema.check(connection)
        yield connection


@asynccontextmanager
async def ledger(
    settings: Settings, name: str, watch: "Watch | None" = None
) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection of a command to the ledger, as its tenant; a watch says for whose locks it waits."""
    from backfill import database

    url = settings.need_database()
    async with database.connected(url, name=f"backfill-{name}", tenant=settings.tenant) as connection:
        if watch is not None:
            watch.sessions.append(connection)
            yield connection
            return
        async with watching_locks(settings, name) as own:
            own.sessions.append(connection)
            yield connection


def watching_locks(settings: Settings, name: str) -> "AbstractAsyncContextManager[Watch]":
    """Say for whose locks the connections of a command wait."""
    from backfill import blockers, database

    url = settings.need_database()
    connect = partial(
        database.connected, url, name=f"backfill-{name} locks", tenant=settings.tenant, session=blockers.SESSION
    )
    return blockers.watching(connect, note)


@asynccontextmanager
async def broker(settings: Settings, name: str) -> "AsyncIterator[AbstractConnection]":
    """A connection of a command to RabbitMQ; raises UnreachableError for whatever goes wrong with it."""
    from aiormq.exceptions import ChannelAccessRefused

    from backfill.broker import BrokerLostError, connected

    url = settings.need_broker()
    try:
        async with connected(url, name=f"backfill-{name}", heartbeat=settings.heartbeat) as connection:
            yield connection
    except BrokerLostError as error:
        if isinstance(error.__cause__, ChannelAccessRefused):
            raise RefusedError(
                f"RabbitMQ does not permit it ({error.__cause__}); give the user of RABBITMQ_URL the permissions to "
                "configure, write and read backfill_.*"
            ) from error
        raise UnreachableError(f"RabbitMQ: {error}; see its log, and try again") from error


@asynccontextmanager
async def publisher(settings: Settings, name: str) -> "AsyncIterator[Publisher]":
    """What a command publishes with, on a connection of its own that is made when it is needed."""
    from backfill.publisher import Publisher

    made = Publisher(
        settings.need_broker(),
        name=f"backfill-{name} publish",
        heartbeat=settings.heartbeat,
        retry_delays=settings.retry_delays,
        tenant=settings.tenant,
        say=note,
    )
    try:
        yield made
    finally:
        await made.close()
