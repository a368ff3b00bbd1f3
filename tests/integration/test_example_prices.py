"""The example of market prices: against its service, and on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import ValidationError

from backfill import HeldError, Limit, Outcome, Skip, TransientError
from backfill.examples.killmails import KillmailValues, load, prices
from backfill.examples.prices import MarketPrices
from backfill.examples.prices.price import Price, Unchanged
from backfill.examples.service import data
from backfill.examples.service.misbehaviour import Misbehaviour
from backfill.examples.service.server import Service, serving
from backfill.examples.statements import read
from tests.support.calling import FakeCall, held_errors
from tests.support.killmails import item, killmail_line, unexpected

__all__ = ["held_errors"]

pytestmark = pytest.mark.usefixtures("held_errors")
KNOWN = [one for one in range(1, 50) if data.price(one)]
UNKNOWN = [one for one in range(1, 50) if not data.price(one)]


@pytest.fixture
async def connection(killmail_database: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    opened = await asyncpg.connect(killmail_database)
    await opened.execute(read("prices/schema"))
    await opened.execute(read("prices/schema"))  # again changes nothing
    yield opened
    await opened.close()


@asynccontextmanager
async def asked(**given: Any) -> AsyncIterator[tuple[MarketPrices, Service]]:
    """The definition as a job has it in a worker, for a service of its own."""
    service, definition = Service(**({"rate": 1_000} | given)), MarketPrices()
    async with serving(service) as url, definition.opened():
        yield definition.with_parameters(MarketPrices.Parameters(url=url)), service


async def wrote(connection: "asyncpg.Connection[Any]", definition: MarketPrices, key: str) -> Outcome | Skip:
    """All of what a worker does for a key."""
    fetched = await definition.fetch(FakeCall(await definition.load(connection, key)), key)
    async with connection.transaction():
        return await definition.write(connection, key, fetched)


async def stored(connection: "asyncpg.Connection[Any]", type_id: int) -> Any:
    return await connection.fetchrow("SELECT * FROM market_prices WHERE type_id = $1", type_id)


async def test_a_price_is_fetched_and_written_and_then_not_sent_again(connection: "asyncpg.Connection[Any]") -> None:
    type_id = KNOWN[0]
    async with asked() as (definition, service):
        assert await wrote(connection, definition, str(type_id)) == Outcome.UPDATED
        first = await stored(connection, type_id)
        expected: Any = data.price(type_id)
        assert (first["sell"], first["as_of"].isoformat()) == (Decimal(expected["price"]), expected["as_of"])
        call = FakeCall(await definition.load(connection, str(type_id)))
        fetched = await definition.fetch(call, str(type_id))
        assert isinstance(fetched, Unchanged)
        assert call.entered == 1
        async with connection.transaction():
            assert await definition.write(connection, str(type_id), fetched) == Outcome.UNCHANGED
    again = await stored(connection, type_id)
    assert again["updated_at"] == again["fetched_at"] > first["updated_at"]
    assert dict(again) | {"updated_at": 0, "fetched_at": 0} == dict(first) | {"updated_at": 0, "fetched_at": 0}
    assert service.counts.keys == {str(type_id): 2}


async def test_a_type_without_a_price_is_skipped(connection: "asyncpg.Connection[Any]") -> None:
    async with asked() as (definition, _):
        assert await wrote(connection, definition, str(UNKNOWN[0])) == Skip("no price")
    assert await stored(connection, UNKNOWN[0]) is None


async def test_a_price_that_is_what_it_was_counts_as_unchanged(connection: "asyncpg.Connection[Any]") -> None:
    """Where the service has no ETags, or has forgotten them."""
    type_id = KNOWN[0]
    async with asked() as (definition, _):
        assert await wrote(connection, definition, str(type_id)) == Outcome.UPDATED
        await connection.execute("UPDATE market_prices SET etag = NULL")
        assert await wrote(connection, definition, str(type_id)) == Outcome.UNCHANGED
        await connection.execute("UPDATE market_prices SET etag = 'other', sell = 0")
        assert await wrote(connection, definition, str(type_id)) == Outcome.UPDATED


async def test_a_newer_price_is_left_alone(connection: "asyncpg.Connection[Any]") -> None:
    type_id = KNOWN[0]
    async with asked() as (definition, _):
        await connection.execute(
            "INSERT INTO market_prices (type_id, sell, as_of) VALUES ($1, 7, now() + interval '1 year')", type_id
        )
        assert await wrote(connection, definition, str(type_id)) == Skip("a newer price is there")
    assert (await stored(connection, type_id))["sell"] == 7


async def test_the_etag_of_a_price_that_somebody_has_replaced_is_not_used(
    connection: "asyncpg.Connection[Any]", tmp_path: Path
) -> None:
    """Else the service would go on to say that nothing has changed."""
    type_id = KNOWN[0]
    (tmp_path / "prices.csv").write_text(f"type_id,sell\n{type_id},0.02\n")
    async with asked() as (definition, _):
        await wrote(connection, definition, str(type_id))
        fetched = await definition.fetch(FakeCall(await definition.load(connection, str(type_id))), str(type_id))
        await prices.load(connection, tmp_path / "prices.csv", unexpected)
        async with connection.transaction():
            outcome = await definition.write(connection, str(type_id), fetched)
        assert outcome == Skip("a newer price is there")
        assert (await stored(connection, type_id))["sell"] == Decimal("0.02")
        assert await wrote(connection, definition, str(type_id)) == Outcome.UPDATED
    assert str((await stored(connection, type_id))["sell"]) == (data.price(type_id) or {})["price"]


async def test_a_service_that_refuses_lets_the_workers_rest() -> None:
    async with asked(rate=1, ban_after=2, ban_seconds=600, clock=lambda: 0.0) as (definition, _):
        await definition.fetch(FakeCall(), str(KNOWN[0]))
        for seconds in (1, 600):
            call = FakeCall()
            with pytest.raises(HeldError) as held:
                await definition.fetch(call, str(KNOWN[0]))
            assert held.value.seconds == seconds
            assert call.errors == [held.value]  # the call knows of it


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("error", "/prices/.* answers 500"),
        ("cut", "/prices/.*: RemoteProtocolError"),
        ("slow", "/prices/.*ReadTimeout"),
    ],
)
async def test_what_may_be_better_later_is_tried_again(fault: str, told: str) -> None:
    async with asked(misbehaviour=Misbehaviour.model_validate({fault: 1, "slow_seconds": 30})) as (definition, _):
        definition.client.timeout = httpx.Timeout(20, read=0.2 if fault == "slow" else 20)
        with pytest.raises(TransientError, match=told):
            await definition.fetch(FakeCall(), str(KNOWN[0]))


async def test_a_service_that_is_not_there_is_tried_again() -> None:
    async with asked() as (definition, _):
        lost = definition.with_parameters(MarketPrices.Parameters(url="http://127.0.0.1:9"))
        with pytest.raises(TransientError, match="/prices/34: ConnectError"):
            await lost.fetch(FakeCall(), "34")


async def test_garbage_fails_its_key_alone() -> None:
    async with asked(misbehaviour=Misbehaviour(garbage=1)) as (definition, _):
        with pytest.raises(ValidationError, match="Invalid JSON"):
            await definition.fetch(FakeCall(), str(KNOWN[0]))


@pytest.mark.parametrize(
    "content",
    [
        '{"type_id": 35, "price": "1", "as_of": "2024-01-01T00:00:00Z"}',
        '{"type_id": 34, "price": "NaN", "as_of": "2024-01-01T00:00:00Z"}',
        '{"type_id": 34, "price": "-1", "as_of": "2024-01-01T00:00:00Z"}',
        '{"type_id": 34, "price": "1", "as_of": "2024-01-01T00:00:00"}',
        '{"type_id": 34}',
        "[]",
    ],
)
def test_what_is_no_price_of_the_type_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r"validation error|asked for type 34"):
        Price.of(content.encode(), 34, None)


async def test_keys_are_the_types_that_occur_and_need_a_price(
    connection: "asyncpg.Connection[Any]", tmp_path: Path
) -> None:
    (tmp_path / "killmails").write_bytes(
        killmail_line(1, item(9, quantity_dropped=1), item(10, quantity_dropped=1), item(34, quantity_dropped=1))
        + killmail_line(2, item(9, quantity_dropped=1), ship=670)
    )
    await load.load(connection, tmp_path / "killmails", unexpected)
    definition = MarketPrices()

    async def keys(after: str | None = None) -> list[str]:
        return [key async for key in definition.keys(connection, after)]

    assert await keys() == ["10", "34", "587", "670", "9"] == sorted(await keys())
    assert await keys("34") == ["587", "670", "9"]
    await connection.execute("INSERT INTO market_prices (type_id, sell) VALUES (10, 1), (34, 1), (99, 1)")
    await connection.execute("UPDATE market_prices SET updated_at = now() - interval '25 hours' WHERE type_id = 34")
    assert await keys() == ["34", "587", "670", "9"]
    definition = definition.with_parameters(MarketPrices.Parameters(maximum_age=timedelta(hours=26)))
    assert await keys() == ["587", "670", "9"]


def test_parameters_set_the_limit() -> None:
    assert MarketPrices().limit == Limit(rate=20)
    assert MarketPrices().with_parameters(MarketPrices.Parameters(rate=2.5)).limit == Limit(rate=2.5)
    for wrong in ({"rate": 0}, {"url": "ftp://example.org"}, {"maximum_age": "soon"}):
        with pytest.raises(ValidationError):
            MarketPrices.Parameters.model_validate(wrong)


async def test_one_client_serves_all_jobs_of_a_worker_and_is_closed_at_its_end() -> None:
    definition = MarketPrices()
    async with definition.opened():
        jobs = [definition.with_parameters(MarketPrices.Parameters(rate=rate)) for rate in (1, 2)]
        assert jobs[0].client is jobs[1].client
        assert not jobs[0].client.is_closed
    assert jobs[0].client.is_closed


async def test_killmail_values_warn_of_types_without_a_price_or_with_an_old_one(
    connection: "asyncpg.Connection[Any]", tmp_path: Path
) -> None:
    lines = [item(type_id, quantity_dropped=1) for type_id in (34, 35, 36)]
    copies = item(40, singleton=2, quantity_dropped=1)
    (tmp_path / "killmails").write_bytes(killmail_line(1, *lines, copies))
    await load.load(connection, tmp_path / "killmails", unexpected)
    assert [one.partition(":")[0] for one in await KillmailValues().warnings(connection)] == ["market_prices is empty"]
    await connection.execute("INSERT INTO market_prices (type_id, sell) VALUES (34, 1), (35, 1)")
    await connection.execute("UPDATE market_prices SET updated_at = now() - interval '31 days' WHERE type_id = 35")
    (told,) = await KillmailValues().warnings(connection)
    assert told.startswith("of 4 types that are valued, 2 have no price and count 0, and 1 have one that is older than")
    await connection.execute("UPDATE market_prices SET updated_at = now()")
    await connection.execute("INSERT INTO market_prices (type_id, sell) VALUES (36, 1), (587, 1)")
    assert await KillmailValues().warnings(connection) == []
