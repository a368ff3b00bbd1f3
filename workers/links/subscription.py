"""One consumer of one queue, and whether it still gets what the queue has.

RabbitMQ 3.10 loses consumers without a word: when a quorum queue is deleted and declared again at once, nobody is told.
The new queue then counts the consumers of the old one, keeps messages for them, and takes none of their acks.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from backfill.broker import BrokerLostError, bounded
from backfill.message import BURIED


class Settlement(Enum):
    """What becomes of a delivery that was dealt with."""

    ACK = "the broker may forget it; if the link is gone it comes again, and there is nothing to claim"
    REJECT = "the broker moves it into the dead queue"


@dataclass(frozen=True)
class Delivery:
    """A message in hand."""

    backfill: str
    message: AbstractIncomingMessage
    subscription: "Subscription" = field(repr=False, compare=False)

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def was_buried(self) -> bool:
        """Whether it comes from the dead queue as it was there, which no program of ours does."""
        return BURIED in self.message.headers

    async def settle(self, settlement: Settlement) -> None:
        ack = settlement is Settlement.ACK
        await self._tell(self.message.ack() if ack else self.message.reject(requeue=False))

    async def give_back(self) -> None:
        """Put it back for another worker."""
        await self._tell(self.message.nack(requeue=True))

    async def _tell(self, call: Awaitable[Any]) -> None:
        self.subscription.settled += 1
        with suppress(BrokerLostError):
            async with bounded():
                await call


class Subscription:
    """Counts what arrives and what is settled."""

    def __init__(self, backfill: str, queue: AbstractQueue) -> None:
        self.queue = queue
        self.settled = 0
        self._tag = ""
        self._backfill = backfill
        self._arrived = 0
        self._arrived_before: int | None = None  # at the last look, if the queue had messages and this consumer none

    async def consume(self, deliver: Callable[[Delivery], None]) -> None:
        """Let the broker send; `deliver` is called with whatever arrives, and must not wait."""

        async def arrive(message: AbstractIncomingMessage) -> None:
            self._arrived += 1
            deliver(Delivery(self._backfill, message, self))

        self._tag = await self.queue.consume(arrive)

    async def cancel(self) -> None:
        """Stop the broker from sending."""
        with suppress(BrokerLostError):
            async with bounded():
                await self.queue.cancel(self._tag)

    async def is_passed_over(self) -> bool:
        """Whether nothing has come since the last look, though the queue had messages at both and none were in hand."""
        before, self._arrived_before = self._arrived_before, None
        if self._arrived == self.settled and await self._ready():
            self._arrived_before = self._arrived
        return before is not None and before == self._arrived_before

    async def _ready(self) -> int:
        """Messages that nobody holds; a queue that has gone closes the channel, and with it this consumer.

        On the consumer's own channel, as the client keeps 4 KB of each that is opened on a link, for as long as it
        lasts: 47 MB a day of an idle worker.
        """
        async with bounded():
            channel: Any = await self.queue.channel.get_underlay_channel()
            declared = await channel.queue_declare(self.queue.name, passive=True)
        return int(declared.message_count or 0)
