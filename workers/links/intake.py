"""The AMQP side of a worker: consume the queues, buffer deliveries, settle them. Does no work itself.

A callback that works would be cancelled by the client when the channel closes, in the middle of a transaction; so
callbacks only append, and a lost link only empties the buffer.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aio_pika.abc import AbstractChannel, AbstractConnection
from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from backfill.broker import BrokerLostError, connected, permitted
from backfill.errors import RefusedError, UnreachableError
from backfill.modes import Priority
from backfill.settings import Settings
from backfill.stalled import Stalled
from backfill.topology import Topology, declare
from backfill.workers.links.subscription import Delivery, Settlement, Subscription
from backfill.workers.patience import REFUSED_SECONDS, Patience
from backfill.workers.troubles import Troubles

# Of so many turns that a queue has while some below it wait, one is for those: none starves.
BELOW_EVERY: Final = 4
STOP_SECONDS: Final = 3.0
LINK: Final = "the link"
LOST: Final = "Lost RabbitMQ; connecting again."


class Intake:
    """Deliveries of some backfills, at most `prefetch` unacknowledged a queue."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        backfills: list[str],
        *,
        prefetch: int,
        name: str,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._url = url
        self._topologies = [Topology(backfill, settings.tenant) for backfill in backfills]
        self._prefetch = prefetch
        self._name = name
        self._say = say
        self._buffers: dict[Priority, deque[Delivery]] = {priority: deque() for priority in Priority}
        self._arrived = asyncio.Event()
        self._lost = asyncio.Event()
        self._turns = dict.fromkeys(Priority, 0)  # that each had while one below it waited
        self._subscriptions: list[Subscription] = []
        self._reached = False
        self._patience = Patience()
        self._troubles = Troubles(say)
        self._stalled = Stalled(url, settings.heartbeat, say)
        self.ready = asyncio.Event()
        self.redelivered = 0  # deliveries that the broker had made before

    @property
    def buffered(self) -> int:
        return sum(len(buffer) for buffer in self._buffers.values())

    async def run(self) -> None:
        """Keep consuming until cancelled; losses are waited out.

        Errors are only what keeps the first connect from working, and a refusal that stays.
        """
        while True:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(self._is_loss),
                # Random, so that a fleet does not come back all at once.
                wait=wait_random_exponential(multiplier=0.5, max=10),
                reraise=True,
            ):
                with attempt:
                    reason = await self._consume()
            self._troubles.tell(LINK, reason)

    def _is_loss(self, error: BaseException) -> bool:
        """Whether to connect again, which is said once a loss."""
        if isinstance(error, RefusedError):
            if not (self.ready.is_set() and self._patience.bears()):
                return False
            self._troubles.tell(LINK, f"{error}. Trying again for {REFUSED_SECONDS:g} s.")
            return True
        if not isinstance(error, BrokerLostError) and not (self._reached and isinstance(error, UnreachableError)):
            return False
        self._patience.over()
        self._troubles.tell(LINK, LOST)
        return True

    async def _consume(self) -> str:
        """Connect, declare, consume, and say what happened when the link, a channel or a consumer is lost."""
        self._lost.clear()
        async with connected(self._url, name=self._name, heartbeat=self._settings.heartbeat) as connection:
            self._reached = True
            connection.close_callbacks.add(self._on_lost)
            try:
                for topology in self._topologies:
                    await declare(connection, topology, self._settings.retry_delays)
                    for priority in Priority:
                        await self._subscribe_or_mend(connection, topology, priority)
                self.ready.set()
                self._troubles.over(LINK)
                self._patience.over()
                return await self._until_lost()
            finally:
                # The broker delivers these again; acking them on a new channel would be an error.
                self._subscriptions.clear()
                for buffer in self._buffers.values():
                    buffer.clear()

    async def _until_lost(self) -> str:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.reconcile_seconds):
                    await self._lost.wait()
                    return LOST
            for one in self._subscriptions:
                if await one.is_passed_over():
                    return f"Queue {one.queue.name} has messages and sends this worker none; connecting again."

    async def _subscribe_or_mend(self, connection: AbstractConnection, topology: Topology, priority: Priority) -> None:
        queue = topology.queue(priority)
        try:
            await self._subscribe(connection, topology, priority)
        except BrokerLostError:
            await self._stalled.mend(queue)
            raise
        self._stalled.over(queue)

    async def _subscribe(self, connection: AbstractConnection, topology: Topology, priority: Priority) -> None:
        async with permitted():
            channel: AbstractChannel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=self._prefetch)
            channel.close_callbacks.add(self._on_lost)
            # A deleted queue, or an ack that came too late: the broker ends the consumer and nothing else happens.
            underlay: Any = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(self._on_cancelled)
            queue = await channel.get_queue(topology.queue(priority), ensure=False)
            subscription = Subscription(topology.backfill, queue)
            buffer = self._buffers[priority]

            def deliver(delivery: Delivery) -> None:
                self.redelivered += bool(delivery.message.redelivered)
                buffer.append(delivery)
                self._arrived.set()

            await subscription.consume(deliver)
            self._subscriptions.append(subscription)

    def _on_lost(self, *_: object) -> None:
        self._lost.set()

    async def _on_cancelled(self, *_: object) -> None:
        self._lost.set()

    async def next(self) -> Delivery:
        """Wait for a delivery; high before normal before low, but each leaves every fourth turn to those below it."""
        while True:
            while not (delivery := self._pick()):
                self._arrived.clear()
                await self._arrived.wait()
            if not delivery.was_buried:
                return delivery
            # Buried again it would go round for ever, and fill the dead queue by and by.
            where = Topology(delivery.backfill, self._settings.tenant)
            self._troubles.tell(
                where,
                f"Messages of {where.dead_queue} come into a work queue of {delivery.backfill}, and are dropped: "
                f"somebody has bound it to exchange {where.exchange('dead')}; see: rabbitmqctl list_bindings",
            )
            await delivery.settle(Settlement.ACK)

    def _pick(self) -> Delivery | None:
        waiting = [priority for priority in Priority if self._buffers[priority]]
        if not waiting:
            return None
        *above, chosen = waiting
        for priority in above:
            self._turns[priority] += 1
            if self._turns[priority] % BELOW_EVERY:
                chosen = priority
                break
        return self._buffers[chosen].popleft()

    async def stop(self) -> None:
        """Stop the broker from sending, then give back what is buffered; on a dead link it comes back by itself."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                for one in self._subscriptions:
                    await one.cancel()
                while delivery := self._pick():
                    await delivery.give_back()
