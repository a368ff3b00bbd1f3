"""The backfill of a storm, as its workers and producers load it; which table it is about stands in STORM_CASE.

It counts upwards from the value that is there: a second effect, or one of older input, leaves another number.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from backfill import ColumnBackfill, Skip
from tests.storm import keys
from tests.storm.table import BROKEN, SKIPPED, expected

CASE = json.loads(os.environ.get("STORM_CASE", "{}")) or {"key": ["bigint"], "column": "bigint", "delay": 0}
NAMES = keys.names(tuple(CASE["key"]))


def inputs(key: Sequence[str]) -> str:
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(key, start=1))
    on = " AND ".join(f"t.{name} = c.{name}" for name in NAMES)
    wanted = ", ".join(f"t.{name}" for name in NAMES)
    return (
        f"SELECT {wanted}, t.base, t.value::text AS old "
        f"FROM unnest({arrays}) AS c ({', '.join(NAMES)}) JOIN things t ON {on}"
    )


class Storm(ColumnBackfill):
    name = "storm"
    table = "things"
    key: ClassVar[str | tuple[str, ...]] = NAMES[0] if len(NAMES) == 1 else tuple(NAMES)
    columns = ("value",)
    inputs = inputs(CASE["key"])
    version = ("touched",) if CASE.get("by_columns") else ()

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        await asyncio.sleep(CASE["delay"])
        return await super().load(connection, keys)

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] == SKIPPED:
            return Skip("not for us")
        if record["base"] == BROKEN:
            raise ValueError("cannot be computed")
        value = expected(float(record["old"]) if record["old"] else 0, record["base"])
        return {"value": str(value) if CASE["column"] == "text" else value}
