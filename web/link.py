"""The server's link to RabbitMQ: one connection, made again after a loss, and what to say while there is none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractConnection

from backfill import broker
from backfill.broker import BrokerLostError
from backfill.errors import BackfillError, UnreachableError
from backfill.settings import Settings

CONNECT_SECONDS: Final = 4.0
LOOK_SECONDS: Final = 1.0  # how often it is looked whether the link stands
SECONDS: Final = 4.2  # for what one request asks
UP: Final = "up"
LOST: Final = "RabbitMQ: the link was lost a moment ago; try again"


class BrokerAwayError(UnreachableError):
    """RabbitMQ gives no answer, or none in time."""

    service = "broker"


class Link:
    """The connection that requests share; each has channels of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: AbstractConnection | None = None
        self.says = "RabbitMQ has not been reached yet"

    async def keep(self) -> None:
        """Connect, and again after each loss, until cancelled."""
        try:
            while True:
                if not self._stands():
                    await self._drop()
                    await self._connect()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._drop()

    @asynccontextmanager
    async def connection(self, seconds: float = SECONDS) -> AsyncIterator[AbstractConnection]:
        """The connection for at most so long; raises BrokerAwayError."""
        connection = self._connection
        if connection is None or not self._stands():
            raise BrokerAwayError(LOST if self.says == UP else self.says)
        try:
            async with broker.bounded(seconds):
                yield connection
        except BrokerLostError as error:
            self.says = f"RabbitMQ: {error}; see its log, and try again"
            await self._drop()
            raise BrokerAwayError(self.says) from error

    def _stands(self) -> bool:
        """The client calls a link closed only that we have closed."""
        return self._connection is not None and self._connection.connected.is_set()

    async def _connect(self) -> None:
        if not self._settings.rabbitmq_url:
            self.says = "no broker: set RABBITMQ_URL"
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
