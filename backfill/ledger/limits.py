"""Limits: turns to call a service, and rests after it has refused one; the same for all workers."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backfill import sessions, statements
from backfill.database import Connection
from backfill.errors import NotFoundError
from backfill.ledger import events
from backfill.ledger.jobs import Row
from backfill.limit import Limit
from backfill.texts import MOST_OF_A_NAME, clean, one_line

MOST_OF_A_REASON = 500


@dataclass(frozen=True)
class Rest:
    """A limit that is held."""

    seconds: float  # from now on
    until: datetime
    reason: str


@dataclass(frozen=True)
class Turns:
    """The answer to a question for turns."""

    first: float = 0.0  # seconds from now on; negative: there has been no call for a while
    step: float | None = None  # seconds between two; None: there is no rate
    granted: int = 0
    permits: int | None = None  # calls that may be under way; None: any number
    rest: Rest | None = None
    waited: float = 0.0  # seconds that the server took for the answer


async def take(
    connection: Connection,
    name: str,
    limit: Limit | None,
    worker: UUID,
    lease_seconds: float,
    *,
    turns: int,
    made: int,
    under_way: int,
    wanted: int,
) -> Turns:
    """Take so many turns, or only look: in a transaction of its own, which is not flushed."""
    declared = limit or Limit()
    row = await connection.fetchrow(
        statements.read("ledger/limits/take"),
        name,
        limit is not None,
        declared.rate,
        declared.burst,
        declared.concurrency,
        declared.adaptive,
        worker,
        lease_seconds,
        turns,
        made,
        under_way,
        wanted,
    )
    if row is None:
        return Turns()
    seconds = row["held_seconds"]
    return Turns(
        row["first_seconds"] or 0.0,
        row["step_seconds"],
        row["granted"],
        row["permits"],
        None if seconds is None else Rest(seconds, row["held_until"], row["held_reason"]),
        row["waited_seconds"],
    )


async def rest(connection: Connection, name: str, job: UUID, seconds: object, reason: object) -> Rest:
    """Let all workers rest after a refused call, within bounds whatever it asks for."""
    text = one_line(reason, MOST_OF_A_REASON)
    row = await connection.fetchrow(statements.read("ledger/limits/rest"), name, job, _number(seconds), text)
    assert row is not None  # noqa: S101 - the function always gives one
    return Rest(row["held_seconds"], row["held_until"], text)


def _number(seconds: Any) -> float:
    """What somebody else's error has for seconds; the ledger keeps it within bounds."""
    try:
        found = float(seconds)
    except BaseException:
        return 0.0
    return 0.0 if math.isnan(found) else max(-1e9, min(1e9, found))


async def leave(connection: Connection, worker: UUID) -> None:
    """Give back what a worker has of limits on calls under way."""
    await connection.execute(statements.read("ledger/limits/leave"), worker)


async def release(connection: Connection, name: str, *, actor: str, reason: str = "") -> Row | None:
    """End a limit's rest; None when it does not rest. Raises NotFoundError where there is none of that name."""
    async with sessions.brief(connection):
        await events.act(connection, actor, reason)
        row = await connection.fetchrow(statements.read("ledger/limits/release"), name, clean(reason) or None)
    if row is None and not await connection.fetchval(statements.read("ledger/limits/is_known"), name):
        raise NotFoundError(f"no limit {clean(name, MOST_OF_A_NAME)!r}; see: backfill limits")
    return row


async def listed(connection: Connection) -> list[Row]:
    return await connection.fetch(statements.read("ledger/limits/listed"))
