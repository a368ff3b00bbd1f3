"""The examples as tests work with them: their tables, a service of the test's own, and rows as after one clean run."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from backfill.examples.embeddings.definition import model, written
from backfill.examples.killmails import statements as killmails
from backfill.examples.service import data
from backfill.examples.service.counts import Counts
from backfill.examples.service.server import Service, serving
from backfill.examples.statements import read
from tests.support.operating import done
from tests.support.world import World


@dataclass
class Served:
    """The service, in the test's own process; it can be stopped and started, and goes on counting."""

    service: Service
    url: str = ""
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def counts(self) -> Counts:
        return self.service.counts

    async def told(self) -> dict[str, Any]:
        """As everybody may ask it."""
        async with httpx.AsyncClient() as client:
            found: dict[str, Any] = (await client.get(f"{self.url}/counts")).json()
            return found

    async def start(self) -> None:
        self.url = await self._running.enter_async_context(serving(self.service, urlsplit(self.url).port or 0))

    async def stop(self) -> None:
        await self._running.aclose()


@asynccontextmanager
async def served(**given: Any) -> AsyncIterator[Served]:
    """A service that allows a thousand calls a second unless told otherwise.

    Its first second lasts until it has refused a call: however slow the machine is, one call too many comes in it.
    """
    began: list[float] = []

    def clock() -> float:
        return time.monotonic() - began[0] if began else 0.0

    running = Served(Service(**({"rate": 1_000, "clock": clock} | given)))
    refuse = running.counts.refuse

    def begins(seconds: float | None) -> None:
        began[:] = began or [time.monotonic()]
        refuse(seconds)

    running.counts.refuse = begins  # type: ignore[method-assign]
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def numbers(world: World) -> dict[str, Any]:
    """What `status --json` says of the newest job."""
    return (await done(world, "status", "latest", "--json")).json


def counted(status: Mapping[str, Any]) -> dict[str, int]:
    """What became of the records, without what there is none of."""
    names = ("updated", "unchanged", "skipped", "failed", "deleted")
    return {name: status[name] for name in names if status[name]}


async def failures(world: World) -> set[str]:
    return {row["record_id"] for row in await world.fetch("SELECT record_id FROM backfill_failures")}


class Example:
    """One of the examples; `keys` is how many a job has."""

    app: ClassVar[str]
    places: ClassVar[tuple[str, ...]] = (
        "worker.after_claim", "worker.after_fetch", "worker.before_commit", "worker.after_commit",
    )  # fmt: skip
    keys: int
    asks: ClassVar[bool] = True

    async def prepare(self, world: World) -> None:
        raise NotImplementedError

    def arguments(self, url: str) -> tuple[str, ...]:
        """Of `backfill-queue`, with four keys a message."""
        raise NotImplementedError

    async def is_right(self, world: World, without: Iterable[str] = ()) -> None:
        """Rows are as after one clean run, and counted so; `without` are keys that failed."""
        raise NotImplementedError


class Prices(Example):
    app = "backfill.examples.prices:MarketPrices"

    def __init__(self, keys: int = 60) -> None:
        self.keys = keys

    async def prepare(self, world: World) -> None:
        await world.execute(killmails.read("schema"))
        await world.execute(read("prices/schema"))
        await world.execute(
            "INSERT INTO victims (killmail_id, ship_type_id) SELECT n, n FROM generate_series(1, $1::int) n", self.keys
        )

    def arguments(self, url: str, rate: float = 1_000, batch_size: int = 4) -> tuple[str, ...]:
        return "-P", f"url={url}", "-P", f"rate={rate}", f"--batch-size={batch_size}"

    async def is_right(self, world: World, without: Iterable[str] = ()) -> None:
        failed = set(without)
        every = {key: data.price(key) for key in range(1, self.keys + 1) if str(key) not in failed}
        known = {key: price for key, price in every.items() if price}
        rows = await world.fetch("SELECT type_id, sell, as_of FROM market_prices")
        assert {row["type_id"]: (row["sell"], row["as_of"]) for row in rows} == {
            key: (Decimal(price["price"]), datetime.fromisoformat(price["as_of"])) for key, price in known.items()
        }
        expected = {"updated": len(known), "skipped": len(every) - len(known), "failed": len(failed)}
        status = await numbers(world)
        assert counted(status) == {name: count for name, count in expected.items() if count}
        assert status["skip_reasons"] == ({"no price": expected["skipped"]} if expected["skipped"] else {})
        assert await failures(world) == failed


class Generation(Example):
    app = "backfill.examples.generation:MonthlyGeneration"
    months = ("2023-11", "2023-12", "2024-01", "2024-02")

    def __init__(self, units: int = 10) -> None:
        self.units = [f"unit-{unit:04}" for unit in range(1, units + 1)]
        self.keys = units * len(self.months)

    async def prepare(self, world: World) -> None:
        await world.execute(read("generation/schema"))
        await world.execute("INSERT INTO units SELECT unnest($1::text[])", self.units)

    def arguments(self, url: str) -> tuple[str, ...]:
        first, last = self.months[0], self.months[-1]
        given = (f"url={url}", "rate=1000", f"from_month={first}", f"to_month={last}")
        return *(part for one in given for part in ("-P", one)), "--batch-size=4"

    async def is_right(self, world: World, without: Iterable[str] = ()) -> None:
        failed, rows, kwh = set(without), Counter[str](), Decimal(0)
        for row in await world.fetch("SELECT *, to_char(day, 'YYYY-MM') AS month FROM generation"):
            rows[f"{row['unit']}/{row['month']} {row['day']} {row['kwh']}"] += 1
            kwh += row["kwh"]
        keys = [(unit, month) for unit in self.units for month in self.months if f"{unit}/{month}" not in failed]
        expected = Counter(
            f"{unit}/{month} {row['day']} {row['kwh']}"
            for unit, month in keys
            for row in (data.generation(unit, month) or {})["rows"]
        )
        assert rows == expected
        status = await numbers(world)
        assert counted(status) == {"updated": len(keys)} | ({"failed": len(failed)} if failed else {})
        assert await failures(world) == failed
        assert status["result"] == {
            "data_from": "2023-11-01", "data_to": "2024-02-29", "months": len(keys), "total_kwh": str(kwh),
        }  # fmt: skip


class Embeddings(Example):
    app = "backfill.examples.embeddings:JobEmbeddings"
    places = ("worker.after_claim", "worker.after_compute", "worker.before_commit", "worker.after_commit")
    asks = False

    def __init__(self, advertisements: int = 24, kind: str = "vector(384)") -> None:
        self.advertisements = advertisements
        self.kind = kind
        self.keys = advertisements - advertisements // 8

    async def prepare(self, world: World) -> None:
        if self.kind != "real[]" and not await world.fetch(read("embeddings/extension")):
            self.kind = "real[]"
        if self.kind != "real[]":
            await world.execute(read("embeddings/extend"))
        await world.execute(read("embeddings/schema").replace("vector(384)", self.kind))
        await world.execute(read("embeddings/made_up"), self.advertisements)

    def arguments(self, url: str = "") -> tuple[str, ...]:
        return ("--batch-size=4",)

    async def is_right(self, world: World, without: Iterable[str] = ()) -> None:
        failed = set(without)
        rows = await world.fetch("SELECT id, title, description, is_active, embedding::text AS found FROM jobs")
        matched = [row for row in rows if row["is_active"] and str(row["id"]) not in failed]
        active = [row for row in matched if written(row)]
        assert {row["id"] for row in rows if row["found"] is not None} == {row["id"] for row in active}
        for row in active:
            found = json.loads(row["found"].replace("{", "[").replace("}", "]"))
            assert tuple(found) == embedded(written(row)), row["id"]
        status = await numbers(world)
        expected = {"updated": len(active), "skipped": len(matched) - len(active), "failed": len(failed)}
        assert counted(status) == {name: count for name, count in expected.items() if count}
        assert await failures(world) == failed


@cache
def embedded(text: str) -> tuple[float, ...]:
    """As PostgreSQL writes the vector of a text: in the fewest digits that mean the same single-precision number."""
    import numpy

    return tuple(float(str(numpy.float32(one))) for one in model().passage([text])[0].tolist())
