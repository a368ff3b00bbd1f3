"""Backfills whose records can be done in several passes only."""

from collections.abc import Mapping
from typing import Any

from backfill import ColumnBackfill, Skip


class Stepwise(ColumnBackfill):
    """A record has a value once the one ten before it has; one whose base is -1 never, one of -2 fails."""

    name = "stepwise"
    table = "things"
    columns = ("value",)
    inputs = """
        SELECT t.id, t.base, t.value, p.value AS before FROM things t LEFT JOIN things p ON p.id = t.id - 10
        WHERE t.id = ANY($1)
    """

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] == -1:
            return Skip("never")
        if record["base"] == -2:
            raise ValueError("not this one")
        if record["id"] > 10 and not record["before"]:
            return Skip("not yet")
        return {"value": 1}


class SomeSteps(Stepwise):
    name = "some_steps"
    where = "t.id <= 20"  # so many are in scope
