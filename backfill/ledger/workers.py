"""What workers say of themselves."""

import json
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.errors import NotFoundError, UsageError
from backfill.texts import MOST_OF_A_NAME, clean

# By what `ask_to_stop` gives.
ASKED: Final = {
    True: "was asked to stop",
    False: "was asked to stop, but has not been heard of for longer than its lease",
    None: "has ended, or was asked to stop before",
}


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
    *,
    cpu_percent: float | None = None,
    memory_bytes: int | None = None,
) -> str | None:
    """Show that the worker lives, and which partitions, each a job and a key, it has in hand; who asks it to stop."""
    asked_by: str | None = await connection.fetchval(
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
        cpu_percent,
        memory_bytes,
    )
    return asked_by


async def stop(connection: Connection, worker: UUID) -> None:
    """Leave the time at which the worker ended in order."""
    await connection.execute(statements.read("ledger/workers/stop"), worker)


@dataclass(frozen=True)
class Seen:
    """A worker as the ledger knows it."""

    id: UUID
    host: str
    pid: int
    state: str  # running, stopping (asked to), or gone: its heartbeat is older than its lease
    backfills: list[str]
    concurrency: int
    prefetch: int  # over the three queues of a backfill
    lease_seconds: float
    started_at: datetime
    heartbeat_age_seconds: float
    stop_requested_at: datetime | None
    stop_requested_by: str | None
    counts: dict[str, int]  # since it started
    cpu_percent: float | None  # of one core, between its last two heartbeats; None: not known
    memory_bytes: int | None  # of its process
    holds: list[dict[str, Any]]  # what it has claimed: job, partition, and for how many seconds; the longest first


async def listed(connection: Connection) -> list[Seen]:
    """Workers that have not ended in order, the oldest first; those that are gone for a day."""
    rows = await connection.fetch(statements.read("ledger/workers/listed"))
    return [Seen(**{**row, "counts": json.loads(row["counts"]), "holds": json.loads(row["holds"])}) for row in rows]


async def find(connection: Connection, reference: str) -> UUID:
    """The worker of an id or a unique beginning of one; raises NotFoundError, or UsageError for several."""
    begins = reference.lower() if re.fullmatch(r"[0-9a-fA-F-]{1,36}", reference) else ""
    rows = await connection.fetch(statements.read("ledger/workers/find"), begins) if begins else []
    if not rows:
        raise NotFoundError(f"no worker {clean(reference, 100)!r}; see: backfill workers")
    if len(rows) > 1:
        raise UsageError(f"several workers begin with {reference}; give more of the id")
    found: UUID = rows[0]["id"]
    return found


async def ask_to_stop(connection: Connection, worker: UUID, *, actor: str) -> bool | None:
    """Ask a worker to drain and end, at its next heartbeat; None when it has ended or was asked before.

    False when it has not been heard of for longer than its lease.
    """
    by = clean(actor, MOST_OF_A_NAME)
    lives: bool | None = await connection.fetchval(statements.read("ledger/workers/ask_to_stop"), worker, by)
    return lives
