"""One computation in each way that there is, on the tables of tables.sql: twice the base; a base of -1 is bad."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from backfill import ColumnBackfill, Limit, Skip


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


class Limited(InTheLoop):
    """Five awaited calls, each of which takes a moment, and then none for long."""

    name = "limited"
    limit = Limit(rate=0.02, burst=5)

    async def compute(self, record: Mapping[str, Any]) -> Any:
        await asyncio.sleep(0.3)
        return doubled(record)


class InThreads(InTheLoop):
    """In a thread."""

    name = "in_threads"
    compute_in = "threads"


class ManyInThreads(Many):
    """Many a call, in a thread."""

    name = "many_in_threads"
    compute_in = "threads"


class InProcesses(InTheLoop):
    """In a process."""

    name = "in_processes"
    compute_in = "processes"


class ManyInProcesses(Many):
    """Many a call, in a process."""

    name = "many_in_processes"
    compute_in = "processes"


class Odd(InTheLoop):
    """What it does is in a record's base: 1 ends its process, 2 keeps it for ever, 3 also from every signal handler.

    Both say so before. 4 cannot be sent, 5 gives what cannot be sent, 6 says that it sleeps for a second, all others
    are good.
    """

    name = "odd"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        rows = await super().load(connection, keys)
        return [dict(row) | ({"lock": threading.Lock()} if row["base"] == 4 else {}) for row in rows]

    def compute(self, record: Mapping[str, Any]) -> Any:
        base = record["base"]
        if base == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if base in (2, 3):
            print("for ever", flush=True)
        while base == 2:
            pass
        if base == 3:
            sum(range(10**15))
        if base == 5:
            return {"value": threading.Lock()}
        if base == 6:
            print("asleep", flush=True)
            time.sleep(1)
        return {"value": 1}


class ManyOdd(Odd):
    """Many a call."""

    name = "many_odd"

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        return [self.compute(record) for record in records]


class OddInProcesses(Odd):
    """In a process."""

    name = "odd_in_processes"
    compute_in = "processes"
    call_size = 20


class ManyOddInProcesses(OddInProcesses):
    """Many a call, in a process."""

    name = "many_odd_in_processes"

    def compute_many(self, records: Sequence[Mapping[str, Any]]) -> Any:
        return [self.compute(record) for record in records]


class OddInThreads(Odd):
    """In a thread."""

    name = "odd_in_threads"
    compute_in = "threads"


class Types(ColumnBackfill):
    """What a function sees of values of many types, in the loop."""

    name = "types"
    table = "things"
    columns = ("extra",)
    inputs = """
        SELECT id, 1.50::numeric AS n, 'x'::text AS t, '\\x00ff'::bytea AS b, ARRAY[1, NULL] AS a, true AS is_so,
            '{"a": [1, {"b": null}]}'::jsonb AS j, '6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid AS u,
            '2024-02-29'::date AS d, '2024-02-29 12:00+02'::timestamptz AS at, '1 day 2 hours'::interval AS i,
            '12:00:00+03:30'::timetz AS z, int4range(1, 5) AS r, '{[1,2],[5,7]}'::int4multirange AS m,
            '10.0.0.1'::inet AS ip, '10.0.0.0/8'::cidr AS net, '101'::bit(3) AS bits,
            point(1, 2) AS p, box '((0,0),(1,1))' AS box, path '[(0,0),(1,1)]' AS way,
            polygon '((0,0),(1,1),(2,0))' AS s, circle '<(0,0),2>' AS c, lseg '[(0,0),(1,1)]' AS l
        FROM things WHERE id = ANY($1)
    """

    def compute(self, record: Mapping[str, Any]) -> Any:
        return {"extra": "; ".join(f"{name} {type(value).__name__} {shown(value)}" for name, value in record.items())}


def shown(value: Any) -> str:
    """The driver's paths and polygons say nothing about themselves."""
    return f"{value.points} {value.is_closed}" if hasattr(value, "is_closed") else repr(value)


class TypesInProcesses(Types):
    """The same in a process."""

    name = "types_in_processes"
    compute_in = "processes"


class ScaledInProcesses(InProcesses):
    """By a factor that the job gives."""

    name = "scaled_in_processes"

    class Parameters(BaseModel):
        factor: int = 3

    def compute(self, record: Mapping[str, Any]) -> Any:
        return {"value": record["base"] * self.parameters.factor}
