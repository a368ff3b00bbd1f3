"""What workers say of themselves."""

import json
import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from backfill import statements
from backfill.database import Connection


@dataclass(frozen=True)
class Seat:
    """Who a worker is."""

    id: UUID
    name: str
    backfills: list[str]
    concurrency: int
    prefetch: int


async def beat(
    connection: Connection,
    seat: Seat,
    held: Iterable[tuple[UUID, str]],
    counts: Mapping[str, object],
    lease_seconds: float,
) -> None:
    """Show that the worker lives, and which partitions, each a job and a key, it has in hand."""
    await connection.execute(
        statements.read("ledger/workers/beat"),
        seat.id,
        socket.gethostname(),
        os.getpid(),
        seat.backfills,
        seat.concurrency,
        seat.prefetch,
        json.dumps([{"job": str(job), "partition": partition} for job, partition in held]),
        json.dumps(counts),
        lease_seconds,
    )


async def stop(connection: Connection, worker: UUID) -> None:
    """Leave the time at which the worker ended in order."""
    await connection.execute(statements.read("ledger/workers/stop"), worker)
