"""The exchanges and queues of one backfill: all durable, the same for producers and workers.

    work  (topic)  --normal.*-->  backfill_<name>_queue        --rejected, too often delivered-->  dead
                   --high.*---->  backfill_<name>_queue_high   --rejected, too often delivered-->  dead
                   --low.*----->  backfill_<name>_queue_low    --rejected, too often delivered-->  dead
    retry (topic)  --*.<ms>---->  backfill_<name>_delay_<ms>ms --after its TTL, same key-->        work
    dead  (fanout) ------------>  backfill_<name>_dead

A queue's arguments can never be changed, so everything tunable (the delay) is in its name.
"""

from dataclasses import dataclass
from typing import Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from backfill.broker import StandsOtherwiseError, declaring
from backfill.modes import Priority

# The ledger counts attempts; the broker's limit is only the backstop against a body that kills whoever reads it.
DELIVERY_LIMIT: Final = 20
# Workers keep fewer, and say what they drop (workers/upkeep/dropping.py); this holds while none runs, or none keeps up.
DEAD_LENGTH: Final = 100_000
DEAD_BYTES: Final = 1_073_741_824
_BOUND: Final[dict[str, str | int]] = {
    "x-overflow": "drop-head",
    "x-max-length": DEAD_LENGTH,
    "x-max-length-bytes": DEAD_BYTES,
}


@dataclass(frozen=True)
class Topology:
    """The names that belong to one backfill of one tenant."""

    backfill: str
    tenant: str = "default"

    @property
    def _name(self) -> str:
        return self.backfill if self.tenant == "default" else f"{self.tenant}.{self.backfill}"

    def queue(self, priority: Priority) -> str:
        suffix = "" if priority is Priority.NORMAL else f"_{priority.value}"
        return f"backfill_{self._name}_queue{suffix}"

    def exchange(self, purpose: str) -> str:
        return f"backfill_{self._name}_{purpose}"

    @property
    def dead_queue(self) -> str:
        return f"backfill_{self._name}_dead"

    def delay_queue(self, delay_ms: int) -> str:
        return f"backfill_{self._name}_delay_{delay_ms}ms"

    @staticmethod
    def routing_key(priority: Priority, delay_ms: int = 0) -> str:
        return f"{priority.value}.{delay_ms}"


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _arguments(dead_letter_exchange: str | None, **more: int) -> dict[str, str | int]:
    arguments: dict[str, str | int] = {"x-queue-type": "quorum"}
    if dead_letter_exchange:
        # Without these two a message may be lost between two queues: the default moves it without a confirm.
        arguments |= {
            "x-dead-letter-exchange": dead_letter_exchange,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
    return arguments | {name.replace("_", "-"): value for name, value in more.items()}


async def declare(connection: AbstractConnection, topology: Topology, retry_delays: tuple[float, ...]) -> None:
    """Declare everything; safe to repeat, raises StandsOtherwiseError when something stands there that is not ours."""
    try:
        await _declare(connection, topology, retry_delays, _BOUND)
    except StandsOtherwiseError as error:
        if error.name != topology.dead_queue:
            raise
        # From before it had a bound: arguments cannot be changed, and workers keep it short all the same.
        await _declare(connection, topology, retry_delays, {})


async def _declare(
    connection: AbstractConnection, topology: Topology, retry_delays: tuple[float, ...], bound: dict[str, str | int]
) -> None:
    async with declaring(connection) as channel:
        work = await channel.declare_exchange(topology.exchange("work"), ExchangeType.TOPIC, durable=True)
        retry = await channel.declare_exchange(topology.exchange("retry"), ExchangeType.TOPIC, durable=True)
        dead = await channel.declare_exchange(topology.exchange("dead"), ExchangeType.FANOUT, durable=True)
        await _queue(channel, topology.dead_queue, dead, "", _arguments(None) | bound)
        for priority in Priority:
            await _queue(
                channel,
                topology.queue(priority),
                work,
                f"{priority.value}.*",
                _arguments(dead.name, x_delivery_limit=DELIVERY_LIMIT),
            )
        for delay_ms in sorted({milliseconds(seconds) for seconds in retry_delays}):
            await _queue(
                channel,
                topology.delay_queue(delay_ms),
                retry,
                f"*.{delay_ms}",
                _arguments(work.name, x_message_ttl=delay_ms),
            )


async def _queue(
    channel: AbstractChannel, name: str, exchange: AbstractExchange, key: str, arguments: dict[str, str | int]
) -> None:
    queue = await channel.declare_queue(name, durable=True, arguments=dict(arguments))
    await queue.bind(exchange, key)


async def delete(connection: AbstractConnection, topology: Topology, retry_delays: tuple[float, ...]) -> None:
    """Delete every queue and exchange of the backfill with what is in them."""
    channel = await connection.channel()
    delays = [topology.delay_queue(milliseconds(seconds)) for seconds in retry_delays]
    for queue in (*(topology.queue(priority) for priority in Priority), topology.dead_queue, *delays):
        # With its defaults, which ask the broker to check, a quorum queue ends the whole connection.
        await channel.queue_delete(queue, if_unused=False, if_empty=False)
    for purpose in ("work", "retry", "dead"):
        await channel.exchange_delete(topology.exchange(purpose))
