"""Publish messages so that a confirm means: on disk, in a queue."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq.exceptions import ChannelAccessRefused

from backfill.alarm import BLOCKED, Alarm
from backfill.broker import BrokerLostError, NotTakenError, bounded, close, connect
from backfill.errors import UnreachableError
from backfill.message import BURIED, CONTENT_TYPE, PartitionMessage
from backfill.modes import Priority
from backfill.stalled import Stalled
from backfill.texts import clean
from backfill.topology import Topology, declare

WINDOW: Final = 32  # confirms outstanding; each message has at most some kilobytes


@dataclass(eq=False)
class Link:
    """A connection and its channel."""

    connection: AbstractConnection
    channel: AbstractChannel
    refusal: str = ""  # why it was given up; the same for whoever still waits on it


class Publisher:
    """One connection and channel for publishing alone: a blocked publisher must never hold up an ack."""

    sends: ClassVar[bool] = True

    def __init__(
        self,
        url: str,
        *,
        name: str,
        heartbeat: int,
        retry_delays: tuple[float, ...],
        tenant: str = "default",
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tenant = tenant
        self._url = url
        self._name = name
        self._heartbeat = heartbeat
        self._retry_delays = retry_delays
        self._link: Link | None = None
        self._exchanges: dict[str, AbstractExchange] = {}
        self._opening = asyncio.Lock()
        self._window = asyncio.Semaphore(WINDOW)
        self._alarm = Alarm(say)
        self._stalled = Stalled(url, heartbeat, say)

    @property
    def is_blocked(self) -> bool:
        """Whether an alarm keeps RabbitMQ from taking messages; learnt by publishing."""
        return self._alarm.is_on

    async def prepare(self, backfill: str) -> None:
        """Connect and declare now, to learn early what is wrong; raises UnreachableError or UsageError."""
        try:
            await self._exchange(backfill, "work")
        except BrokerLostError as error:
            raise UnreachableError(f"RabbitMQ: {error}; see its log, and try again") from error

    async def publish(
        self, message: PartitionMessage, priority: Priority, *, delay_ms: int = 0, purpose: str = "work"
    ) -> None:
        """Publish a partition and wait for the confirm; raises BrokerLostError, after which it may be there or not."""
        topology = Topology(message.backfill, self._tenant)
        queue = topology.delay_queue(delay_ms) if purpose == "retry" else topology.queue(priority)
        key, identity = Topology.routing_key(priority, delay_ms), f"{message.job_id}:{message.partition_key}"
        await self._send(topology, purpose, queue, key, _persistent(message.encode(), identity, {}))

    async def send_again(self, backfill: str, body: bytes, priority: Priority) -> None:
        """Put a body into a work queue as it is, as a message of its own, and wait for the confirm."""
        topology = Topology(backfill, self._tenant)
        key = Topology.routing_key(priority)
        await self._send(topology, "work", topology.queue(priority), key, _persistent(body, "", {}))

    async def bury(self, backfill: str, body: bytes, reason: str) -> None:
        """Put a body that is no message into the dead queue, with the reason beside it."""
        topology = Topology(backfill, self._tenant)
        message = _persistent(body, "", {BURIED: 1, "reason": clean(reason, 500)})
        message.timestamp = datetime.now(UTC)
        await self._send(topology, "dead", topology.dead_queue, "", message)

    async def bury_again(self, backfill: str, body: bytes, headers: Mapping[str, Any], since: datetime | None) -> None:
        """Put a copy of what was in the dead queue there, with these headers and since when it was there."""
        topology = Topology(backfill, self._tenant)
        message = _persistent(body, "", {**headers, BURIED: 1})
        message.timestamp = since
        await self._send(topology, "dead", topology.dead_queue, "", message)

    async def _send(self, topology: Topology, purpose: str, queue: str, key: str, message: Message) -> None:
        async with self._window:
            if self._alarm.is_on:  # what is sent now would arrive when it is over, whoever gave it up meanwhile
                raise NotTakenError(BLOCKED)
            used, exchange = await self._exchange(topology.backfill, purpose)
            try:
                async with bounded():
                    await exchange.publish(message, key, mandatory=True)
                self._stalled.over(queue)
            except BrokerLostError as error:
                reason = used.refusal or self._not_taken(queue, error)
                # Not the link that is blocked: it would tell when it is over, and what was sent on it will arrive.
                if not self._alarm.is_on:
                    used.refusal = reason
                    async with self._opening:
                        if self._link is used:  # else a neighbour has opened a new one already
                            await self._drop()
                            if isinstance(error.__cause__, TimeoutError | DeliveryError) and purpose != "dead":
                                await self._stalled.mend(queue)
                if reason:
                    raise NotTakenError(reason) from error
                raise

    def _not_taken(self, queue: str, error: BrokerLostError) -> str:
        """Why the message was refused; empty when it is the link that failed."""
        if isinstance(error.__cause__, PublishError):
            return f"queue {queue} or its binding is gone; both are declared again"
        if isinstance(error.__cause__, ChannelAccessRefused):
            return f"{error.__cause__}; give the user of RABBITMQ_URL the permission to write it"
        if isinstance(error.__cause__, DeliveryError):
            # Where the queue had no leader the channel goes on refusing when there is one: another is needed.
            return (
                f"queue {queue} takes no messages: its node is away, or the max-length of a policy is reached "
                "(rabbitmqctl list_policies shows it)"
            )
        return BLOCKED if self._alarm.is_on else ""

    async def _exchange(self, backfill: str, purpose: str) -> tuple[Link, AbstractExchange]:
        async with self._opening:
            topology = Topology(backfill, self._tenant)
            name = topology.exchange(purpose)
            if self._link is None or self._link.channel.is_closed:
                await self._drop()
                self._link = await self._open()
            link = self._link
            if name not in self._exchanges:
                await declare(link.connection, topology, self._retry_delays)
                async with bounded():
                    self._exchanges[name] = await link.channel.get_exchange(name, ensure=False)
            return link, self._exchanges[name]

    async def _open(self) -> Link:
        connection = await connect(self._url, name=self._name, heartbeat=self._heartbeat)
        try:
            async with bounded():
                # Without on_return_raises an unroutable message would count as published.
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        except BaseException:
            await close(connection)
            raise
        self._alarm.watch(connection)
        return Link(connection, channel)

    async def close(self) -> None:
        async with self._opening:
            await self._drop()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        self._exchanges.clear()
        self._alarm.end()
        if link is not None:
            await close(link.connection)


def _persistent(body: bytes, identity: str, headers: Mapping[str, Any]) -> Message:
    return Message(
        body,
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type=CONTENT_TYPE,
        # The client finds a returned message by its id: it must be unique among those under way.
        message_id=f"{identity}:{uuid4().hex[:12]}",
        correlation_id=identity,
        headers=dict(headers),
    )
