"""Definitions of the benchmark's own tables."""

from backfill import ColumnBackfill
from examples.names import NormalisedNames


class PlainIds(ColumnBackfill):
    """A table with nothing but ids and a column to fill, only ever queued: neither inputs nor a computation."""

    name = "plain_ids"
    table = "plain_ids"
    columns = ("value",)


class OrderLines(NormalisedNames):
    """The computation of the smallest example, on a table whose key has two columns."""

    name = "order_lines"
    table = "order_lines"
    key = ("order_id", "line_no")
    inputs = """SELECT l.order_id, l.line_no, l.name
        FROM order_lines l
        JOIN unnest($1::bigint[], $2::integer[]) AS k (order_id, line_no) USING (order_id, line_no)"""
