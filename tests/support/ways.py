"""One computation in each way that there is, on the tables of tables.sql: twice the base; a base of -1 is bad."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from backfill import ColumnBackfill, Skip


def doubled(record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
    if record["base"] == -1:
        raise ValueError(f"record {record['id']} cannot be computed")
    if record["base"] == -2:
        return Skip("not for us")
    return {"value": record["base"] * 2}


class InTheLoop(ColumnBackfill):
    """As a plain function, which all others are held against."""

    name = "in_the_loop"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Any:
        return doubled(record)


class Many(InTheLoop):
    """Many a call."""

    name = "many"

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        return [doubled(record) for record in records]


class Awaited(InTheLoop):
    """One an awaited call."""

    name = "awaited"

    async def compute(self, record: Mapping[str, Any]) -> Any:
        await asyncio.sleep(0)
        return doubled(record)


class ManyAwaited(InTheLoop):
    """Many an awaited call."""

    name = "many_awaited"

    async def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        await asyncio.sleep(0)
        return [doubled(record) for record in records]


class Endless(InTheLoop):
    """An awaited call of a record whose base is 7 never answers, that of one whose base is 8 holds the loop."""

    name = "endless"

    async def compute(self, record: Mapping[str, Any]) -> Any:
        if record["base"] == 7:
            await asyncio.Event().wait()
        while record["base"] == 8:
            pass
        return doubled(record)
