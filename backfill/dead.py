"""The dead queue of a backfill: what is in it and why, and how one of its messages is taken out.

Looking means to take messages and to give them back when the channel closes, which the broker counts as deliveries. It
calls a message that was delivered too often dead, and one that is dead already it drops: RabbitMQ 4 after 20 times,
unless a queue says otherwise. So one that has been looked at often is replaced by a copy, whose count begins anew.
"""

import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from backfill.bearable import SIZE
from backfill.broker import NotTakenError, inspect
from backfill.errors import ContractError
from backfill.failpoints import failpoint
from backfill.message import PartitionMessage, decode
from backfill.modes import Priority
from backfill.publisher import Publisher
from backfill.sifting import ack, opened, take
from backfill.texts import clean
from backfill.topology import Topology

IDENTITY: Final = "backfill-dead-id"  # header of a copy: the id of the message it stands for
LOOKS: Final = 10  # after so many deliveries a message is replaced
WHY: Final = {
    "rejected": "rejected by a worker: out of attempts",
    "delivery_limit": "delivered too often: its worker died each time",
    "expired": "expired: a policy sets message-ttl",
    "maxlen": "its queue was full",
}


@dataclass(frozen=True)
class DeadMessage:
    """A message of a dead queue."""

    id: str  # the same at every look; equal messages have one
    backfill: str
    job: str | None  # None: the body is no message of ours
    partition: str | None
    why: str
    since: datetime | None  # None: the broker did not write it down
    size: int
    headers: dict[str, Any]
    body: bytes

    @property
    def message(self) -> PartitionMessage | None:
        """The body as a message, where it is one."""
        try:
            return decode(self.body)
        except ContractError:
            return None


async def messages(
    connection: AbstractConnection, publisher: Publisher, topology: Topology, most: int
) -> AsyncGenerator[tuple[DeadMessage, Callable[[], Awaitable[None]]], None]:
    """The oldest messages of the dead queue, each with what takes it out; the others go back at the end."""
    state = await inspect(connection, topology.dead_queue)
    left = 0 if state is None else min(state.ready, most)
    if not left:
        return
    async with opened(connection, topology.dead_queue) as queue:
        for _ in range(left):
            if (taken := await take(queue)) is None:
                return
            dead, is_out = _read(topology.backfill, taken), False

            async def take_out(taken: AbstractIncomingMessage = taken) -> None:
                nonlocal is_out
                is_out = True
                failpoint("dead.before_ack")
                await ack(taken)

            try:
                yield dead, take_out
            finally:  # whatever becomes of the look
                deliveries = taken.headers.get("x-delivery-count")
                if not is_out and isinstance(deliveries, int) and deliveries >= LOOKS:
                    with suppress(NotTakenError):  # as many looks again are left
                        await _renew(publisher, dead)
                        await ack(taken)


async def _renew(publisher: Publisher, dead: DeadMessage) -> None:
    # What somebody else wrote may be of a type, or a size, that the client reads and cannot write.
    kept = {
        name: value if isinstance(value, str | int) else clean(value)
        for name, value in dead.headers.items()
        if not name.startswith("x-")
    }
    await publisher.bury_again(dead.backfill, dead.body, kept | {"reason": dead.why, IDENTITY: dead.id}, dead.since)


async def redrive(publisher: Publisher, dead: DeadMessage, priority: Priority) -> None:
    """Publish it to its work queue again and wait for the confirm; to be taken out of the dead queue afterwards."""
    await publisher.send_again(dead.backfill, dead.body, priority)


def _read(backfill: str, taken: AbstractIncomingMessage) -> DeadMessage:
    job = partition = None
    with suppress(ContractError):
        message = decode(taken.body)
        job, partition = str(message.job_id), message.partition_key
    headers = dict(taken.headers)
    deaths = headers.get("x-death")
    died = deaths[0].get("time") if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else None
    since = died if isinstance(died, datetime) else taken.timestamp
    size = headers.get(SIZE)  # before it was cut
    if not isinstance(size, int):
        size = len(taken.body)
    return DeadMessage(_identity(taken), backfill, job, partition, _why(headers), since, size, headers, taken.body)


def _why(headers: dict[str, Any]) -> str:
    if reason := headers.get("reason"):
        return clean(reason)
    text = str(last_death(headers).get("reason") or headers.get("x-first-death-reason") or "")
    return WHY.get(text, clean(text) or "unknown")


def last_death(headers: Mapping[str, Any]) -> dict[str, Any]:
    """What happened to a message last, as RabbitMQ writes it; before it may have waited for a retry.

    Empty where it says nothing, or somebody else has written something there.
    """
    deaths = headers.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}


def _identity(taken: AbstractIncomingMessage) -> str:
    kept = taken.headers.get(IDENTITY)
    if isinstance(kept, str) and re.fullmatch(r"[0-9a-f]{12}", kept):
        return kept
    return hashlib.sha256(f"{taken.message_id or ''}\n".encode() + taken.body).hexdigest()[:12]
