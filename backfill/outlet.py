"""Where the messages of partitions go: to RabbitMQ, or nowhere."""

from typing import ClassVar, Protocol

from backfill.message import PartitionMessage
from backfill.modes import Priority


class Outlet(Protocol):
    """Takes messages; backfill/publisher.py is the one that sends them."""

    @property
    def sends(self) -> bool:
        """Whether a message arrives anywhere; else the ledger must not say that it was published."""

    async def publish(
        self, message: PartitionMessage, priority: Priority, *, delay_ms: int = 0, purpose: str = "work"
    ) -> None:
        """Take a partition's message."""

    async def bury(self, backfill: str, body: bytes, reason: str) -> None:
        """Take a body that is no message, for the dead queue."""


class Nowhere:
    """Takes every message and sends none: whoever works on the job reads the ledger."""

    sends: ClassVar[bool] = False

    async def publish(
        self, message: PartitionMessage, priority: Priority, *, delay_ms: int = 0, purpose: str = "work"
    ) -> None:
        """The ledger has the partition, and when its retry is due."""

    async def bury(self, backfill: str, body: bytes, reason: str) -> None:
        """What the ledger gave is no rubbish but a partition of a job that was deleted meanwhile."""
