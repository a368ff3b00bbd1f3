"""How deep a backfill's queues were, minute by minute over a day."""

from backfill import statements
from backfill.database import Connection


async def remember(
    connection: Connection, backfill: str, *, ready: int, unacknowledged: int | None, delayed: int, dead: int
) -> None:
    """Of this minute; said again in the same one, the later counts."""
    statement = statements.read("ledger/depths/remember")
    await connection.execute(statement, backfill, ready, unacknowledged, delayed, dead)
