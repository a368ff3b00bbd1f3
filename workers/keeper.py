"""Keep what the worker holds: renew leases, show a heartbeat."""

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from backfill import statements
from backfill.database import Pool, is_transient
from backfill.ledger import partitions
from backfill.ledger.partitions import Claim
from workers.stats import Stats


@dataclass(frozen=True)
class Seat:
    """Who this worker is, for the ledger."""

    id: UUID
    backfills: list[str]
    concurrency: int
    prefetch: int


class Keeper:
    """Holds the claims of all slots and renews them together."""

    def __init__(self, pool: Pool, seat: Seat, stats: Stats, lease_seconds: float) -> None:
        self._pool = pool
        self._seat = seat
        self._stats = stats
        self._lease_seconds = lease_seconds
        self._held: dict[tuple[UUID, str], Claim | None] = {}

    def is_held(self, job: UUID, partition: str) -> bool:
        """Whether another slot of this worker has the partition in hand: a duplicate must not even try."""
        return (job, partition) in self._held

    @contextmanager
    def holding_partition(self, job: UUID, partition: str) -> Iterator[None]:
        self._held[job, partition] = None
        try:
            yield
        finally:
            del self._held[job, partition]

    def claimed(self, job: UUID, partition: str, claim: Claim) -> None:
        self._held[job, partition] = claim

    async def run(self) -> None:
        """Renew every third of a lease until cancelled; an absent database is tried again sooner."""
        while True:
            try:
                await self.beat()
                pause = self._lease_seconds / 3
            except Exception as error:
                if not is_transient(error):
                    raise
                pause = min(1.0, self._lease_seconds / 3)
            await asyncio.sleep(pause)

    async def beat(self) -> None:
        """Renew the leases and show that the worker lives."""
        claims = [claim for claim in self._held.values() if claim is not None]
        async with self._pool.acquire(timeout=5) as connection:
            if claims:
                await partitions.renew(connection, claims, self._seat.id, self._lease_seconds)
            await connection.execute(
                statements.read("ledger/heartbeat_worker"),
                self._seat.id,
                socket.gethostname(),
                os.getpid(),
                self._seat.backfills,
                self._seat.concurrency,
                self._seat.prefetch,
                json.dumps(self._doing()),
                json.dumps(self._stats.as_dict()),
            )

    def _doing(self) -> list[dict[str, Any]]:
        return [{"job": str(job), "partition": partition} for job, partition in self._held]

    async def stop(self) -> None:
        """Leave the last counts, and the time at which this worker ended in order."""
        await self.beat()
        async with self._pool.acquire(timeout=2) as connection:
            await connection.execute(statements.read("ledger/stop_worker"), self._seat.id)
