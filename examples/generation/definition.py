"""What units have generated, one call for each month of each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from backfill import Call, Outcome, Skip
from backfill.examples.asking import Asking
from backfill.examples.generation.month import Asked, Day, Generated
from backfill.examples.statements import read

if TYPE_CHECKING:
    from backfill.database import Connection


class MonthlyGeneration(Asking):
    """Replace the rows of a month by those that the service has."""

    name = "monthly_generation"
    reads = ("units", "generation")
    writes = ("generation",)
    scope: ClassVar = {"unit": "unit", "month": ("from_month", "to_month")}
    Parameters = Asked
    parameters: Asked

    async def keys(self, connection: "Connection", after: str | None) -> AsyncIterator[str]:
        asked = self.parameters
        given = (after or "", asked.unit, asked.from_month, asked.to_month)
        for row in await connection.fetch(read("generation/unit_months"), *given):
            yield row["key"]

    async def fetch(self, call: Call, key: str) -> Sequence[Day] | Skip:
        response = await self.get(call, f"/generation/{key}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Skip("not known to the service")
        return Generated.of(response.content, *key.rsplit("/", 1))

    async def write(self, connection: "Connection", key: str, fetched: Sequence[Day] | Skip) -> Outcome | Skip:
        if isinstance(fetched, Skip):
            return fetched
        unit, month = key.rsplit("/", 1)
        where = (unit, date.fromisoformat(f"{month}-01"))
        stored = await connection.fetch(read("generation/read_month"), *where)
        if [tuple(row) for row in stored] == [(row.day, row.kwh) for row in fetched]:
            return Outcome.UNCHANGED
        await connection.execute(read("generation/delete_month"), *where)
        days, kwh = [row.day for row in fetched], [row.kwh for row in fetched]
        await connection.execute(read("generation/insert_days"), unit, days, kwh)
        return Outcome.UPDATED

    async def finish(self, connection: "Connection", job: Any) -> Mapping[str, Any]:
        del job
        asked = self.parameters
        given = (asked.unit, asked.from_month, asked.to_month)
        return dict(await connection.fetchrow(read("generation/summary"), *given) or {})
