"""A table with nothing but ids and a column to fill: what the producer alone is measured on."""

from backfill import ColumnBackfill


class PlainIds(ColumnBackfill):
    """Only ever queued, so it needs neither inputs nor a computation."""

    name = "plain_ids"
    table = "plain_ids"
    columns = ("value",)
