"""The example of units and what they have generated: against its service, and on a real database."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError

from backfill import HeldError, Outcome, Skip
from backfill.examples.generation import MonthlyGeneration
from backfill.examples.generation.month import Asked, Day, Generated
from backfill.examples.service import data
from backfill.examples.service.server import Service, serving
from backfill.examples.statements import read
from backfill.parameters import given, stored
from backfill.services import Services
from tests.support.calling import FakeCall, held_errors
from tests.support.databases import new_database

__all__ = ["held_errors"]

pytestmark = pytest.mark.usefixtures("held_errors")


@pytest.fixture
async def connection(services: Services) -> AsyncIterator["asyncpg.Connection[Any]"]:
    async with new_database(services.database_url) as url:
        opened = await asyncpg.connect(url)
        await opened.execute(read("generation/schema"))
        await opened.execute(read("generation/schema"))  # again changes nothing
        await opened.execute("INSERT INTO units SELECT 'unit-' || to_char(n, 'FM0000') FROM generate_series(1, 3) n")
        yield opened
        await opened.close()


def asked(**more: Any) -> MonthlyGeneration:
    return MonthlyGeneration().with_parameters(Asked(**({"from_month": "2023-12", "to_month": "2024-02"} | more)))


@asynccontextmanager
async def served(**of_service: Any) -> AsyncIterator[MonthlyGeneration]:
    definition = MonthlyGeneration()
    async with serving(Service(**({"rate": 1_000} | of_service))) as url, definition.opened():
        yield definition.with_parameters(Asked(from_month="2023-12", to_month="2024-02", url=url))


async def keys(connection: "asyncpg.Connection[Any]", definition: MonthlyGeneration, after: str | None = None) -> Any:
    return [key async for key in definition.keys(connection, after)]


async def written(
    connection: "asyncpg.Connection[Any]", definition: MonthlyGeneration, key: str, fetched: Sequence[Day] | Skip
) -> Outcome | Skip:
    async with connection.transaction():
        return await definition.write(connection, key, fetched)


async def test_keys_are_the_months_of_each_unit_ascending(connection: "asyncpg.Connection[Any]") -> None:
    every = await keys(connection, asked())
    assert every == [f"unit-000{n}/{month}" for n in (1, 2, 3) for month in ("2023-12", "2024-01", "2024-02")]
    assert await keys(connection, asked(), "unit-0002/2024-01") == every[5:]
    one = asked(unit="unit-0002", from_month="2024-02")
    assert await keys(connection, one) == ["unit-0002/2024-02"]
    assert await keys(connection, asked(unit="unit-9999")) == []


async def test_keys_ascend_whatever_units_are_called(connection: "asyncpg.Connection[Any]") -> None:
    """As whole keys: a unit that is the beginning of another's name comes behind it where a dash follows."""
    await connection.execute("INSERT INTO units VALUES ('unit-0001-b'), ('Ä'), ('ä b'), ('unit-00010'), ('Z')")
    found = await keys(connection, asked())
    assert len(found) == 24
    assert all(one < other for one, other in pairwise(found))
    assert await keys(connection, asked(), found[10]) == found[11:]


async def test_a_month_is_replaced_and_what_is_equal_stays(connection: "asyncpg.Connection[Any]") -> None:
    key = "unit-0002/2024-02"
    await connection.execute(
        "INSERT INTO generation VALUES ('unit-0002', '2024-01-31', 1), ('unit-0002', '2024-02-01', 2), "
        "('unit-0002', '2024-03-01', 3), ('unit-0001', '2024-02-01', 4)"
    )
    async with served() as definition:
        fetched = await definition.fetch(FakeCall(), key)
        assert await written(connection, definition, key, fetched) == Outcome.UPDATED
        before = await connection.fetch("SELECT *, xmin::text FROM generation ORDER BY unit, day")
        assert await written(connection, definition, key, fetched) == Outcome.UNCHANGED
        assert before == await connection.fetch("SELECT *, xmin::text FROM generation ORDER BY unit, day")
    expected: Any = data.generation("unit-0002", "2024-02")
    rows = {(row["unit"], row["day"]): row["kwh"] for row in before}
    others = {
        ("unit-0002", date(2024, 1, 31)): 1,
        ("unit-0002", date(2024, 3, 1)): 3,
        ("unit-0001", date(2024, 2, 1)): 4,
    }
    assert rows == others | {
        ("unit-0002", date.fromisoformat(row["day"])): Decimal(row["kwh"]) for row in expected["rows"]
    }


async def test_one_day_that_differs_or_is_missing_makes_it_another_month(connection: "asyncpg.Connection[Any]") -> None:
    key = "unit-0002/2024-02"
    async with served() as definition:
        fetched = await definition.fetch(FakeCall(), key)
        for change in ("UPDATE generation SET kwh = kwh + 0.001", "DELETE FROM generation"):
            await written(connection, definition, key, fetched)
            await connection.execute(f"{change} WHERE day = '2024-02-29'")
            assert await written(connection, definition, key, fetched) == Outcome.UPDATED
        assert await written(connection, definition, key, fetched) == Outcome.UNCHANGED


async def test_a_write_that_fails_leaves_the_month_as_it_was(connection: "asyncpg.Connection[Any]") -> None:
    async with served() as definition:
        fetched = await definition.fetch(FakeCall(), "unit-0002/2024-02")
        await written(connection, definition, "unit-0002/2024-02", fetched)
        await connection.execute("ALTER TABLE generation ADD CHECK (kwh < 1000)")
        assert not isinstance(fetched, Skip)
        broken = [*fetched[:-1], Day(day=date(2024, 2, 29), kwh=Decimal(1000))]
        with pytest.raises(asyncpg.CheckViolationError):
            await written(connection, definition, "unit-0002/2024-02", broken)
        assert await written(connection, definition, "unit-0002/2024-02", fetched) == Outcome.UNCHANGED


async def test_what_the_service_does_not_know_is_skipped(connection: "asyncpg.Connection[Any]") -> None:
    async with served() as definition:
        for unit in ("unit-7", "ä b", "a?b#c%2F", "unit-0001/.."):
            fetched = await definition.fetch(FakeCall(), f"{unit}/2024-02")
            outcome = await written(connection, definition, f"{unit}/2024-02", fetched)
            assert outcome == Skip("not known to the service")


async def test_a_service_that_refuses_lets_the_workers_rest() -> None:
    async with served(rate=1, clock=lambda: 0.0) as definition:
        await definition.fetch(FakeCall(), "unit-0002/2024-02")
        with pytest.raises(HeldError):
            await definition.fetch(FakeCall(), "unit-0002/2024-02")


def answer(**change: Any) -> bytes:
    rows = [{"day": "2024-02-01", "kwh": "1.5"}]
    return json.dumps({"unit": "u", "month": "2024-02", "rows": rows} | change).encode()


def test_an_answer_is_read_in_the_order_of_days() -> None:
    rows = [{"day": f"2024-02-0{day}", "kwh": day} for day in (3, 1, 2)]
    assert [one.kwh for one in Generated.of(answer(rows=rows), "u", "2024-02")] == [1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "v"},
        {"month": "2024-03"},
        {"rows": []},
        {"rows": [{"day": "2024-03-01", "kwh": "1"}]},
        {"rows": [{"day": "2024-02-01", "kwh": "1"}] * 2},
        {"rows": [{"day": "2024-02-01", "kwh": "0.0001"}]},
        {"rows": [{"day": "2024-02-01", "kwh": "NaN"}]},
        {"rows": None},
    ],
)
def test_an_answer_about_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error|told of|each once"):
        Generated.of(answer(**change), "u", "2024-02")


async def test_the_result_sums_up_what_the_job_is_about(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute(
        "INSERT INTO generation VALUES ('unit-0001', '2023-11-30', 100), ('unit-0001', '2023-12-05', 1.5), "
        "('unit-0001', '2024-02-29', 2), ('unit-0002', '2024-01-01', 4.25), ('unit-0002', '2024-03-01', 100)"
    )
    whole = {"data_from": "2023-12-05", "data_to": "2024-02-29", "months": 3, "total_kwh": "7.750"}
    assert await asked().finish(connection, None) == whole
    one = {"data_from": "2024-01-01", "data_to": "2024-01-01", "months": 1, "total_kwh": "4.250"}
    assert await asked(unit="unit-0002").finish(connection, None) == one
    nothing = {"data_from": None, "data_to": None, "months": 0, "total_kwh": "0"}
    assert await asked(unit="unit-0003").finish(connection, None) == nothing
    assert json.loads(json.dumps(whole)) == whole


def test_parameters_are_checked() -> None:
    definition = given(MonthlyGeneration(), ["from_month=2024-01", "to_month=2024-01", "unit=unit-0007"])
    assert stored(definition)["unit"] == "unit-0007"
    for wrong in ({"from_month": "2024-02", "to_month": "2024-01"}, {"from_month": "2024-13", "to_month": "2025-01"}):
        with pytest.raises(ValidationError):
            Asked(**wrong)
    names = [name for of in MonthlyGeneration.scope.values() for name in ([of] if isinstance(of, str) else of)]
    assert set(names) <= set(Asked.model_fields)
