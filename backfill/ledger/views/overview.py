"""All of a tenant's work at one look."""

from dataclasses import asdict
from typing import Any, Final

from backfill import statements
from backfill.database import Connection
from backfill.ledger import workers
from backfill.ledger.views.attention import attention
from backfill.ledger.views.depths import depths
from backfill.ledger.views.jobs import job_page
from backfill.ledger.views.page import Item
from backfill.states import ACTIVE, JobState

MOST_ACTIVE: Final = 50
MOST_WORKERS: Final = 50
WORST_FIRST: Final = ("gone", "stopping", "running")


async def overview(connection: Connection) -> dict[str, Any]:
    """Jobs by state, the active ones, what needs attention, workers, the last successes and the queues' last hour."""
    rows = await connection.fetch(statements.read("ledger/views/job_counts"), [state.value for state in JobState])
    active = await job_page(
        connection, states=[state.value for state in ACTIVE], backfill=None, cursor=None, limit=MOST_ACTIVE
    )
    return {
        "jobs": {row["state"]: row["jobs"] for row in rows},
        "active": active.items,
        "attention": await attention(connection),
        "workers": await _workers(connection),
        "last_success": await last_successes(connection),
        "depths": await depths(connection),
        "read_at": rows[0]["now"],
    }


async def last_successes(connection: Connection) -> list[Item]:
    """The last completed job of each backfill."""
    return [dict(row) for row in await connection.fetch(statements.read("ledger/views/last_successes"))]


async def _workers(connection: Connection) -> dict[str, Any]:
    """Those that are gone first, then those that were not heard of for longest."""
    found = await workers.listed(connection)
    found.sort(key=lambda one: (WORST_FIRST.index(one.state), -one.heartbeat_age_seconds))
    gone = sum(one.state == "gone" for one in found)
    items = [asdict(one) | {"id": str(one.id)} for one in found[:MOST_WORKERS]]
    return {"live": len(found) - gone, "gone": gone, "items": items}
