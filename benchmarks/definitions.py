"""Definitions of the benchmark's own tables."""

from collections.abc import Mapping
from typing import Any

from backfill import ColumnBackfill
from backfill.examples.names import NormalisedNames


class PlainIds(ColumnBackfill):
    """A table with nothing but ids and a column to fill, only ever queued."""

    name = "plain_ids"
    table = "plain_ids"
    columns = ("value",)
    inputs = "SELECT id FROM plain_ids WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Any value: no worker is started."""
        return {"value": record["id"]}


class OrderLines(NormalisedNames):
    """The computation of the smallest example, on a table whose key has two columns."""

    name = "order_lines"
    table = "order_lines"
    key = ("order_id", "line_no")
    inputs = """SELECT l.order_id, l.line_no, l.name
        FROM order_lines l
        JOIN unnest($1::bigint[], $2::integer[]) AS k (order_id, line_no) USING (order_id, line_no)"""
