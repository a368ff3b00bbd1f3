"""Remember once a minute how deep the queues are, for whoever looks at the last hours."""

import time
from typing import Final

from aio_pika.abc import AbstractConnection

from backfill import queues
from backfill.database import Connection
from backfill.ledger import depths
from backfill.topology import Topology

EVERY_SECONDS: Final = 60.0


class Depths:
    """Of the backfills that this worker leads."""

    def __init__(self, retry_delays: tuple[float, ...]) -> None:
        self._retry_delays = retry_delays
        self._due: dict[str, float] = {}

    async def remember(self, ledger: Connection, broker: AbstractConnection, topology: Topology) -> None:
        """Unless it was a moment ago; a broker that is lost under it is the reconciler's to say."""
        now, backfill = time.monotonic(), topology.backfill
        if now < self._due.get(backfill, now):
            return
        found = await queues.look(broker, topology, self._retry_delays, None)
        await depths.remember(
            ledger,
            backfill,
            ready=sum(found.ready.values()),
            unacknowledged=found.unacknowledged,
            delayed=sum(found.delayed.values()),
            dead=found.dead or 0,
        )
        self._due[backfill] = now + EVERY_SECONDS
