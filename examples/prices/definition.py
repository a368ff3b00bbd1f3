"""Prices of all types that occur in the killmail example, one call each."""

from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from backfill import Outcome, Skip
from backfill.examples.asking import Asking, Service
from backfill.examples.prices.price import Price, Unchanged
from backfill.examples.statements import read

if TYPE_CHECKING:
    from backfill.database import Connection


class MarketPrices(Asking):
    """Ask for each price that is missing or too old; one that is still the same is not sent again."""

    name = "market_prices"
    reads = ("victims", "killmail_items", "market_prices")
    writes = ("market_prices",)
    batch_size = 50

    class Parameters(Service):
        maximum_age: timedelta = timedelta(days=1)

    parameters: Parameters

    async def keys(self, connection: "Connection", after: str | None) -> AsyncIterator[str]:
        needed = read("prices/needed_types")
        for row in await connection.fetch(needed, after or "", self.parameters.maximum_age):
            yield row["key"]

    async def load(self, connection: "Connection", key: str) -> Any:
        return await connection.fetchval(read("prices/read_etag"), int(key))

    async def fetch(self, call: Any, key: str) -> Price | Unchanged | Skip:
        known = {"If-None-Match": call.loaded} if call.loaded else {}
        response = await self.get(call, f"/prices/{key}", **known)
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return Unchanged(call.loaded)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Skip("no price")
        return Price.of(response.content, int(key), response.headers.get("ETag"))

    async def write(self, connection: "Connection", key: str, fetched: Price | Unchanged | Skip) -> Outcome | Skip:
        if isinstance(fetched, Skip):
            return fetched
        if isinstance(fetched, Unchanged):
            outcome = await connection.fetchval(read("prices/confirm_price"), int(key), fetched)
        else:
            given = (int(key), fetched.price, fetched.as_of, fetched.etag)
            outcome = await connection.fetchval(read("prices/upsert_price"), *given)
        return Outcome(outcome) if outcome else Skip("a newer price is there")
