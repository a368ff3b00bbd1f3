"""How deep the queues were, as the leading workers have noted each minute."""

from itertools import groupby
from operator import itemgetter
from typing import Final

from backfill import statements
from backfill.database import Connection
from backfill.ledger.views.page import Item

MINUTES: Final = 60


async def depths(connection: Connection) -> list[Item]:
    """Of each backfill the minutes of the last hour that were noted, the oldest first."""
    rows = await connection.fetch(statements.read("ledger/views/depths"), MINUTES)
    return [
        {"backfill": name, "minutes": [{key: row[key] for key in row.keys() if key != "backfill"} for row in of_one]}  # noqa: SIM118
        for name, of_one in groupby(rows, key=itemgetter("backfill"))
    ]
