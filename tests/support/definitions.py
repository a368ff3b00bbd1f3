"""Backfills on the small tables of tables.sql, each made to go wrong in one way."""

import hashlib
import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg
from pydantic import BaseModel

from backfill import ColumnBackfill, Skip, TransientError

GATE = 77  # the advisory lock at which `gated` waits


class Counter(ColumnBackfill):
    """Not idempotent: applied twice, or computed from an older value, it writes a wrong number."""

    name = "counter"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, value FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": (record["value"] or 0) + 1}


class Leaving(Counter):
    """A record whose base is 0 keeps its value, which is no reason to skip it."""

    name = "leaving"
    inputs = "SELECT id, base, value FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": record["value"] if record["base"] == 0 else 1}


class Gated(Counter):
    """The same, but its inputs come only while nobody holds the gate."""

    name = "gated"
    inputs = """
        SELECT id, value FROM things, (SELECT pg_advisory_xact_lock_shared(77)) AS gate WHERE id = ANY($1)
    """


class Configured(Counter):
    """The same with the query that the test gives it."""

    name = "configured"
    inputs = os.environ.get("TEST_INPUTS", Counter.inputs)


class Versioned(Counter):
    """The same, held against the columns it reads instead of the row's xmin."""

    name = "versioned"
    version = ("base", "value")


class Doubler(ColumnBackfill):
    """Idempotent and pure: twice the base."""

    name = "doubler"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"value": record["base"] * 2}


class Scaled(ColumnBackfill):
    """The base by factors that each job gives; a negative one cannot be computed."""

    name = "scaled"
    table = "things"
    columns = ("value",)
    inputs = "SELECT id, base FROM things WHERE id = ANY($1)"

    class Parameters(BaseModel):
        factor: int = 3
        offset: int = 0

    parameters: Parameters

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] < 0:
            raise ValueError("below nothing")
        return {"value": record["base"] * self.parameters.factor + self.parameters.offset}


class Needing(Scaled):
    """The same, with a factor that has to be given."""

    name = "needing"

    class Parameters(BaseModel):
        factor: int
        offset: int = 0

    async def warnings(self, connection: Any) -> list[str]:
        return [f"everything times {self.parameters.factor}"]


class Poison(ColumnBackfill):
    """What becomes of a record is in its `base`; 0 is a good one."""

    name = "poison"
    table = "things"
    columns = ("value",)
    # Dividing by zero for base 6: the query fails for whoever asks for that record.
    inputs = "SELECT id, base, 1 / (base - 6) AS trap FROM things WHERE id = ANY($1)"

    RAISES, NAN, INFINITE, WRONG_TYPE, REFUSED, UNLOADABLE, SKIPPED, NOTHING, INCOMPLETE, TOO_LARGE = range(1, 11)

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        base = record["base"]
        if base == self.RAISES:
            raise ValueError(f"record {record['id']} cannot be computed")
        if base == self.SKIPPED:
            return Skip("not for us")
        if base == self.INCOMPLETE:
            return {}
        results: dict[int, Any] = {
            self.NAN: Decimal("NaN"),
            self.INFINITE: float("inf"),
            self.WRONG_TYPE: "many",
            self.REFUSED: 13,
            self.NOTHING: None,
            self.TOO_LARGE: 10**11,
        }
        return {"value": results.get(base, 1)}


class Flaky(Counter):
    """Its inputs are away while the table `outage` holds a row."""

    name = "flaky"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM outage)"):
            raise TransientError("the service of the inputs is away")
        return await super().load(connection, keys)


class Reluctant(Counter):
    """Records with an odd base cannot be computed while the table `outage` holds a row."""

    name = "reluctant"
    inputs = "SELECT id, base, value, EXISTS (SELECT FROM outage) AS away FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["away"] and record["base"] % 2:
            raise TransientError("the price of this one is not known yet")
        return super().compute(record)


class Slow(Counter):
    """A record's `base` is how many milliseconds its computation sleeps."""

    name = "slow"
    inputs = "SELECT id, base, value FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"]:
            self.spend(record["base"] / 1000)
        return super().compute(record)

    def spend(self, seconds: float) -> None:
        time.sleep(seconds)


class Busy(Slow):
    """The same in a loop of Python."""

    name = "busy"

    def spend(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass


class Stubborn(Slow):
    """It takes the first interruption for an error of its own, and tries again."""

    name = "stubborn"

    def spend(self, seconds: float) -> None:
        try:
            time.sleep(seconds)
        except Exception:
            time.sleep(seconds)


class Backtracking(Slow):
    """A regular expression without end: C code that keeps the interpreter to itself, but listens to signals."""

    name = "backtracking"

    def spend(self, seconds: float) -> None:
        re.match(r"(a+)+$", "a" * 50 + "b")


class Deaf(Slow):
    """C code without end that lets other threads run, and listens to nothing."""

    name = "deaf"

    def spend(self, seconds: float) -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


class Greedy(Slow):
    """C code without end that keeps the interpreter to itself, and listens to nothing."""

    name = "greedy"

    def spend(self, seconds: float) -> None:
        sum(range(10**15))


class Normalised(ColumnBackfill):
    """A text column, on a table whose key is a uuid."""

    name = "normalised"
    table = "labels"
    columns = ("normalised",)
    inputs = "SELECT id, title FROM labels WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        return {"normalised": " ".join(record["title"].split()).lower()}


class ByCode(Normalised):
    """The same by a key of text, and with a version column of the application's."""

    name = "by_code"
    key = "code"
    inputs = "SELECT code, title FROM labels WHERE code = ANY($1)"
    version = ("title", "normalised")


class Deadly(Counter):
    """A record with base 1 takes the process with it, as one that takes all memory does."""

    name = "deadly"
    inputs = "SELECT id, base, value FROM things WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        if record["base"] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().compute(record)


class Elsewhere(Counter):
    """It reads another database, which starts while the table `outage` holds a row."""

    name = "elsewhere"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM outage)"):
            raise asyncpg.CannotConnectNowError("the database system is starting up")
        return await super().load(connection, keys)


class NetworkError(Exception):
    """As a client library raises it, which is no OSError."""


class Fetching(Counter):
    """It asks a service that does not answer while the table `outage` holds a row."""

    name = "fetching"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Sequence[Mapping[str, Any]]:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM outage)"):
            raise NetworkError("connection reset by peer")
        return await super().load(connection, keys)
