"""Backfills of which one requires another: `derived` what `source` writes, `last` what `derived` writes."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from backfill import ColumnBackfill, Required, Skip
from tests.support.definitions import Needing


class Source(ColumnBackfill):
    """A record whose base is -1 fails."""

    name = "source"
    table = "things"
    columns = ("extra",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] == -1:
            raise ValueError("nothing to say")
        return {"extra": f"source {record['id']}"}


class Derived(ColumnBackfill):
    """What it computes shows whether its inputs were there."""

    name = "derived"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, extra FROM things WHERE id = ANY($1)"
    requires = ("source",)

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": 1 if record["extra"] else -1}


class Last(ColumnBackfill):
    name = "last"
    table = "labels"
    columns = ("normalised",)
    inputs = "SELECT id, title FROM labels WHERE id = ANY($1)"
    requires = (Required("derived", maximum_age=timedelta(hours=1)),)

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"normalised": record["title"].lower()}


class Astray(Last):
    name = "astray"
    requires = ("elsewhere",)


class Needy(Last):
    name = "needy"
    requires = ("needing",)


if os.environ.get("TEST_CYCLE"):
    Source.requires = ("last",)

__all__ = ["Astray", "Derived", "Last", "Needing", "Needy", "Source"]
