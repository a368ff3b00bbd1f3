"""Hold a request against the database, whichever kind of definition it is for."""

from backfill.column_backfill import ColumnBackfill
from backfill.definition import Definition
from backfill.ledger.job import Job
from backfill.ledger.jobs import Request
from backfill.partition_backfill import PartitionBackfill
from backfill.producers import keys, preparation
from backfill.producers.parts import Parts
from backfill.producers.source import Prepared


async def prepare(parts: Parts, definition: Definition, request: Request, job: Job | None = None) -> Prepared:
    """What the request means now; waits for whoever locks what it looks at, and says so."""
    connection = parts.connection
    if isinstance(definition, PartitionBackfill):
        return await parts.watch.patiently(lambda: keys.prepare(connection, definition, request, job))
    assert isinstance(definition, ColumnBackfill)  # noqa: S101 - there are these two
    return await parts.watch.patiently(lambda: preparation.prepare(connection, definition, request, job))
