"""How deep the queues were, as the leading workers have noted each minute."""

from itertools import groupby
from operator import itemgetter

from backfill import statements
from backfill.database import Connection
from backfill.ledger.views.minutes import bounded
from backfill.ledger.views.page import Item


async def depths(connection: Connection, minutes: int = 60) -> list[Item]:
    """Of each backfill the minutes that were noted, the oldest first; raises UsageError for too many."""
    rows = await connection.fetch(statements.read("ledger/views/depths"), bounded(minutes))
    return [
        {"backfill": name, "minutes": [{key: row[key] for key in row.keys() if key != "backfill"} for row in of_one]}  # noqa: SIM118
        for name, of_one in groupby(rows, key=itemgetter("backfill"))
    ]
