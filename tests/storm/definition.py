"""The backfill of a storm, as its workers and producers load it; which table it is about stands in STORM_CASE.

It counts upwards from the value that is there: a second effect, or one of older input, leaves another number.
"""

import asyncio
import json
import os
import random
import struct
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from backfill import Call, ColumnBackfill, HeldError, Limit, Outcome, PartitionBackfill, Skip
from backfill.definition import Definition
from tests.storm import keys
from tests.storm.table import BROKEN, SKIPPED, expected
from tests.storm.work import CALL_SIZE, WHERE

CASE: Final = json.loads(os.environ.get("STORM_CASE", "{}")) or {"key": ["bigint"], "column": "bigint", "delay": 0}
WAY: Final = CASE.get("way", "plain")
KEY: Final = tuple(CASE["key"])
NAMES: Final = keys.names(KEY)
RATE, CONCURRENCY = CASE.get("rate"), CASE.get("concurrency")
LIMIT: Final = Limit(rate=RATE, concurrency=CONCURRENCY) if RATE or CONCURRENCY else None
REST_SECONDS: Final = 0.3


def inputs(key: Sequence[str]) -> str:
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(key, start=1))
    on = " AND ".join(f"t.{name} = c.{name}" for name in NAMES)
    wanted = ", ".join(f"t.{name}" for name in NAMES)
    return (
        f"SELECT {wanted}, t.base, t.value::text AS old "
        f"FROM unnest({arrays}) AS c ({', '.join(NAMES)}) JOIN things t ON {on}"
    )


def value(record: Mapping[str, Any]) -> Any:
    if record["base"] == SKIPPED:
        return Skip("not for us")
    if record["base"] == BROKEN:
        raise ValueError("cannot be computed")
    found = expected(float(record["old"]) if record["old"] else 0, record["base"])
    return str(found) if CASE["column"] == "text" else found


def values(record: Mapping[str, Any]) -> Any:
    found = value(record)
    return found if isinstance(found, Skip) else {"value": found}


def values_of_many(records: Sequence[Mapping[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for record in records:
        try:
            found.append(values(record))
        except ValueError as error:
            found.append(error)
    return found


def note_call() -> None:
    with Path(CASE["calls"]).open("ab", buffering=0) as calls:
        calls.write(struct.pack("d", time.time()))


async def call_service() -> None:
    """A call that the storm hears of; now and then the service wants to be left alone."""
    note_call()
    await asyncio.sleep(0.002)
    if random.random() < CASE["refused"]:
        raise HeldError("too many calls", REST_SECONDS)


class Column(ColumnBackfill):
    name = "storm"
    table = "things"
    key: ClassVar[str | tuple[str, ...]] = NAMES[0] if len(NAMES) == 1 else tuple(NAMES)
    columns = ("value",)
    inputs = inputs(KEY)
    where = WHERE if CASE.get("where") else ""
    version = ("touched",) if CASE.get("by_columns") else ()
    compute_in = WAY if WAY in ("threads", "processes") else "loop"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        if RATE is None:  # else that is what takes the time
            await asyncio.sleep(CASE["delay"])
        return await super().load(connection, keys)

    def compute(self, record: Mapping[str, Any]) -> Any:
        return values(record)


class Many(Column):
    call_size = CALL_SIZE

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        return values_of_many(records)


class Async(Column):
    limit = LIMIT

    async def compute(self, record: Mapping[str, Any]) -> Any:
        await call_service()
        return values(record)


class AsyncMany(Column):
    limit = LIMIT
    call_size = CALL_SIZE

    async def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        await call_service()
        return values_of_many(records)


class Keys(PartitionBackfill):
    name = "storm"
    writes = ("things",)
    limit = LIMIT

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        key = keys.text(KEY, "t")
        rows = await connection.fetch(
            f'SELECT key FROM (SELECT {key} COLLATE "C" AS key FROM things t) k '
            "WHERE $1::text IS NULL OR key > $1 ORDER BY key",
            after,
        )
        for row in rows:
            yield row["key"]

    async def fetch(self, call: Call, key: str) -> Any:
        async with call:
            await call_service()

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome | Skip:
        of_it = f"FROM things t WHERE {keys.text(KEY, 't')} = $1"
        row = await connection.fetchrow(f"SELECT base, value::text AS old {of_it} FOR UPDATE", key)
        if row is None:
            return Skip("deleted")
        found = value(row)
        if isinstance(found, Skip):
            return found
        kind = CASE["column"]
        await connection.execute(
            f"UPDATE things o SET value = $2::text::{kind} WHERE n = (SELECT n {of_it})", key, str(found)
        )
        return Outcome.UPDATED


OF_WAY: Final[Mapping[str, type[Definition]]] = {"many": Many, "async": Async, "async_many": AsyncMany, "keys": Keys}
Storm: Final = OF_WAY.get(WAY, Column)
