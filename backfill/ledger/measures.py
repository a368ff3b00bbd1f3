"""What the ledger says about all jobs at once, for monitoring; by backfill, never by job."""

from dataclasses import dataclass

from backfill import statements
from backfill.database import Connection
from backfill.ledger.jobs import Row
from backfill.states import ACTIVE


@dataclass(frozen=True)
class Measures:
    """The ledger at one moment."""

    states: dict[str, int]  # active jobs
    backfills: list[Row]
    workers: list[Row]
    limits: list[Row]


async def names(connection: Connection) -> list[str]:
    """The tenant's backfills, those of its workers included."""
    return [row["asset_name"] for row in await connection.fetch(statements.read("ledger/measures/names"))]


async def read(connection: Connection) -> Measures:
    counted = {row["state"]: row["jobs"] for row in await connection.fetch(statements.read("ledger/measures/states"))}
    return Measures(
        {state.value: counted.get(state, 0) for state in sorted(ACTIVE)},
        await connection.fetch(statements.read("ledger/measures/backfills")),
        await connection.fetch(statements.read("ledger/measures/workers")),
        await connection.fetch(statements.read("ledger/measures/limits")),
    )
