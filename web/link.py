"""The server's link to RabbitMQ: one connection, made again after a loss, and what to say while there is none."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from aio_pika.abc import AbstractConnection

from backfill import broker
from backfill.broker import BrokerLostError
from backfill.cancelling import cancel
from backfill.errors import BackfillError, UnreachableError
from backfill.settings import Settings

T = TypeVar("T")

CONNECT_SECONDS: Final = 4.0
LOOK_SECONDS: Final = 1.0  # how often it is looked whether the link stands
SECONDS: Final = 4.2  # for what one request asks
UP: Final = "up"
NONE: Final = "none"  # there is to be none: workers look for work in the ledger
LATE: Final = "RabbitMQ has not answered in time; see its log, and try again"
LOST: Final = "RabbitMQ: the link was lost a moment ago; try again"


class BrokerAwayError(UnreachableError):
    """RabbitMQ gives no answer, or none in time."""

    service = "broker"


class Link:
    """The connection that requests share; each has channels of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: AbstractConnection | None = None
        self.says = "RabbitMQ has not been reached yet" if settings.rabbitmq_url else NONE
        self._asked: set[asyncio.Task[Any]] = set()

    async def keep(self) -> None:
        """Connect, and again after each loss, until cancelled."""
        try:
            while True:
                if not self._stands():
                    await self._drop()
                    await self._connect()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await cancel(self._asked)
            await self._drop()

    def need(self) -> AbstractConnection:
        """The connection; raises BrokerAwayError where there is none."""
        connection = self._connection
        if connection is None or not self._stands():
            if not self._settings.rabbitmq_url:
                raise BrokerAwayError("no broker: set RABBITMQ_URL")
            raise BrokerAwayError(LOST if self.says == UP else self.says)
        return connection

    async def ask(self, work: Callable[[AbstractConnection], Coroutine[Any, Any, T]], seconds: float = SECONDS) -> T:
        """What the work gives, in at most so long; raises BrokerAwayError.

        What is late is late for its own request only: others go on with the link.
        """
        connection = self.need()
        task = asyncio.create_task(work(connection), name="a question to RabbitMQ")
        self._asked.add(task)
        task.add_done_callback(self._answered)
        try:
            # Not a timeout around it: what is cancelled closes its channel, for which a silent broker has its time too.
            done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
        finally:
            task.cancel()
        if not done:
            raise BrokerAwayError(LATE)
        try:
            return task.result()
        except BrokerLostError as error:
            says = f"RabbitMQ: {error}; see its log, and try again"
            if self._connection is connection and not isinstance(error.__cause__, TimeoutError):
                self.says = says
                await self._drop()
            raise BrokerAwayError(says) from error

    def _answered(self, task: "asyncio.Task[Any]") -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked has it, or was told that it is late

    def _stands(self) -> bool:
        """The client calls a link closed only that we have closed."""
        return self._connection is not None and self._connection.connected.is_set()

    async def _connect(self) -> None:
        if not self._settings.rabbitmq_url:
            return
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._connection = await broker.connect(
                    self._settings.rabbitmq_url, name="backfill-serve", heartbeat=self._settings.heartbeat
                )
            self.says = UP
        except TimeoutError:
            self.says = f"RabbitMQ has not answered within {CONNECT_SECONDS:g} s; see its log"
        except (BackfillError, OSError) as error:
            self.says = str(error)

    async def _drop(self) -> None:
        """Also what has been said of it: until there is another one it is not up."""
        connection, self._connection = self._connection, None
        if self.says == UP:
            self.says = LOST
        if connection is not None:
            await broker.close(connection)
