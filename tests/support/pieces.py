"""Backfills of months, each made to go wrong in one way where a test says so."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import asyncpg
from pydantic import BaseModel

from backfill import Call, HeldError, Limit, Outcome, PartitionBackfill, Skip, TransientError


class Months(PartitionBackfill):
    """Not idempotent: a month that is written twice shows it."""

    class Parameters(BaseModel):
        unit: int | None = None
        first: str = "2024-01"
        last: str = "2024-04"
        units: int = 3
        odd: dict[str, str] = {}  # what goes wrong, by key

    name = "months"
    writes = ("months",)
    scope: ClassVar[Mapping[str, str | tuple[str, str]]] = {"unit": "unit", "month": ("first", "last")}
    parameters: Parameters

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        given = self.parameters
        units = range(1, given.units + 1) if given.unit is None else [given.unit]
        months = [f"{year}-{month:02}" for year in range(2020, 2030) for month in range(1, 13)]
        for unit in units:
            for month in months:
                if given.first <= month <= given.last:
                    yield f"unit-{unit:03}/{month}"

    async def fetch(self, call: Call, key: str) -> Any:
        async with call:
            await asyncio.sleep(0)
        match self.parameters.odd.get(key):
            case "fetch":
                raise ValueError("no such unit")
            case "away" if call.attempt < 3:
                raise TransientError("the service is away")
            case "exit":
                raise SystemExit(3)
        return 7

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome | Skip:
        unit, month = int(key[5:8]), key[9:]
        odd = self.parameters.odd.get(key)
        if odd == "skip":
            return Skip("nothing was generated")
        await connection.execute(
            "INSERT INTO months AS m VALUES ($1, $2, $3) ON CONFLICT (unit, month) DO UPDATE SET writes = m.writes + 1",
            unit,
            month,
            fetched,
        )
        match odd:
            case "outage" if await connection.fetchval("SELECT count(*) FROM outage"):
                raise ValueError("not now")
            case "write":
                raise asyncpg.UniqueViolationError("twice")
            case "nothing":
                return None  # type: ignore[return-value]
            case "commit":
                await connection.execute("COMMIT")
            case "elsewhere":
                await connection.execute("INSERT INTO labels (code, title) VALUES ('1', '1')")
            case "missing":
                await connection.execute("INSERT INTO nowhere VALUES (1)")
            case "same":
                return Outcome.UNCHANGED
        return Outcome.UPDATED

    async def finish(self, connection: Any, job: Any) -> Mapping[str, Any]:
        if "finish" in self.parameters.odd:
            await connection.execute("DELETE FROM months")
            raise ValueError("nothing to say")
        total = await connection.fetchval("SELECT sum(total) FROM months")
        return {"months": job.updated, "total": total}


class PagedMonths(Months):
    """Three calls a key, half a second from one to the next."""

    name = "paged_months"
    limit = Limit(rate=2)
    parameters: Months.Parameters

    async def fetch(self, call: Call, key: str) -> Any:
        for _ in range(3):
            async with call:
                await asyncio.sleep(0)
        return 7


class CarelessMonths(PagedMonths):
    """The same, content with the calls that were let in."""

    name = "careless_months"
    parameters: Months.Parameters

    async def fetch(self, call: Call, key: str) -> Any:
        with suppress(Exception):
            return await super().fetch(call, key)
        return 1


class LoadedMonths(Months):
    """Its service wants to be left alone while `outage` has a row; its writes read a table whole."""

    name = "loaded_months"
    parameters: Months.Parameters

    async def load(self, connection: Any, key: str) -> Any:
        return await connection.fetchval("SELECT reason FROM outage")

    async def fetch(self, call: Call, key: str) -> Any:
        async with call:
            if call.loaded:
                raise HeldError(f"429 {call.loaded}", 1)
        return Skip("not known") if self.parameters.odd.get(key) == "unknown" else 7

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome | Skip:
        await connection.fetch("SELECT * FROM labels")
        return await super().write(connection, key, fetched)


class RefusedMonths(Months):
    """It learns of a refusal where it reads, and makes no call."""

    name = "refused_months"
    parameters: Months.Parameters

    async def load(self, connection: Any, key: str) -> Any:
        if reason := await connection.fetchval("SELECT reason FROM outage"):
            raise HeldError(f"429 {reason}", 1)


class GatedMonths(Months):
    """Its writes come only while nobody holds the gate."""

    name = "gated_months"
    parameters: Months.Parameters

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome | Skip:
        await connection.execute("SELECT pg_advisory_xact_lock_shared(77)")
        return await super().write(connection, key, fetched)


class Disordered(Months):
    """Its keys come as people would sort them."""

    name = "disordered"
    parameters: Months.Parameters

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        for number in range(1, 13):
            yield f"unit-{number}"


class Doubled(Months):
    """A key comes twice."""

    name = "doubled"
    parameters: Months.Parameters

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        for number in (1, 2, 2, 3):
            yield f"unit-{number}"
