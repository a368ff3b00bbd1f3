"""How fast a job went, minute by minute, and what changes of its settings did to that; kept without its partitions."""

import json
from typing import Final
from uuid import UUID

from backfill import statements
from backfill.database import Connection
from backfill.errors import UsageError
from backfill.ledger import jobs
from backfill.ledger.views.page import Item
from backfill.states import OUTCOMES

MOST_MINUTES: Final = 1_440
MOST_CHANGES: Final = 50


async def minutes(connection: Connection, job_id: UUID, minutes: int = 60) -> list[Item]:
    """The job's last minutes, the oldest first; raises NotFoundError, or UsageError for too many.

    The last one of an active job has only begun: its rate is that of the seconds it has had.
    """
    rows = await connection.fetch(statements.read("ledger/views/minutes"), job_id, bounded(minutes))
    if not rows:
        await jobs.read(connection, job_id)
    items = []
    for row in rows:
        records = sum(row[outcome] for outcome in OUTCOMES)
        rate = records / max(row["seconds"], 1.0)
        items.append(dict(row) | {"records": records, "records_per_second": rate})
    return items


async def settings_changes(connection: Connection, job_id: UUID) -> list[Item]:
    """The last changes of a job's settings, the oldest first, with the rates before and after."""
    rows = await connection.fetch(statements.read("ledger/views/settings_changes"), job_id, MOST_CHANGES)
    return [dict(row) | {"details": json.loads(row["details"])} for row in rows]


def bounded(minutes: int) -> int:
    """The number; raises UsageError for one that is out of bounds."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise UsageError(f"1 to {MOST_MINUTES:,} minutes can be shown, and {minutes:,} were asked for")
    return minutes
