"""What queueing works with, built by whoever asks for it: a command, or a server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from uuid import UUID

from backfill import blockers, database, schema
from backfill.actor import actor
from backfill.blockers import Watch
from backfill.outlet import Outlet
from backfill.publisher import Publisher
from backfill.settings import Settings

if TYPE_CHECKING:
    import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"


class Report(Protocol):
    """Who is told how it goes."""

    def say(self, text: str) -> None:
        """What is part of the answer."""

    def warn(self, text: str) -> None:
        """What should be known besides."""

    def note(self, text: str) -> None:
        """What goes on meanwhile."""

    def begin(self, expected: int, queued: int) -> None:
        """`expected` records in all, of which `queued` were queued before this run."""

    def batch(self, partition_key: str, records: int) -> None:
        """That partition has been queued; its message is sent, or will be when a pause is over."""


@dataclass(frozen=True)
class Parts:
    """Of one job's queueing."""

    settings: Settings
    connection: Connection
    connect: Callable[[], AbstractAsyncContextManager[Connection]]  # one more, watched as well
    publisher: Callable[[str], AbstractAsyncContextManager[Outlet]]  # one that has reached a backfill's queues
    watch: Watch
    report: Report
    sends: bool = True  # messages, to workers of other processes; else this process works on the job itself
    opened: Callable[[UUID], None] = lambda _: None  # told which job it is, as soon as it is there
    actor: str = field(default_factory=actor)  # who opens it

    @property
    def command(self) -> str:
        """What opens another job the same way."""
        return "backfill-queue" if self.sends else "backfill run"

    @property
    def again(self) -> str:
        """What goes on with the job where this ends."""
        return f"{self.command} --resume"


@asynccontextmanager
async def built(settings: Settings, report: Report) -> AsyncIterator[Parts]:
    """Parts whose connections last as long as the block; the broker is reached when a publisher is asked for.

    Raises SchemaError for a ledger that this program cannot work with.
    """
    database_url = settings.need_database()
    look = partial(
        database.connected,
        database_url,
        name="backfill-queue locks",
        tenant=settings.tenant,
        session=blockers.SESSION,
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Connection]:
        async with database.connected(database_url, name="backfill-queue", tenant=settings.tenant) as connection:
            watch.sessions.append(connection)
            yield connection

    @asynccontextmanager
    async def publisher(backfill: str) -> AsyncIterator[Publisher]:
        made = Publisher(
            settings.need_broker(),
            name="backfill-queue",
            tenant=settings.tenant,
            heartbeat=settings.heartbeat,
            retry_delays=settings.retry_delays,
            say=report.warn,
        )
        try:
            await made.prepare(backfill)
            yield made
        finally:
            await made.close()

    async with blockers.watching(look, report.note) as watch, connect() as connection:
        await schema.check(connection)
        yield Parts(settings, connection, connect, publisher, watch, report)
