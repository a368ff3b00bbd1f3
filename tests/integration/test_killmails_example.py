"""The killmail example on a real database: its loader, its generator, and that every way to the values agrees."""

import gzip
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from backfill import Skip
from backfill.errors import ConflictError
from backfill.examples.killmails import KillmailValues, load, prices, statements
from backfill.examples.killmails.generate import generate
from backfill.examples.killmails.reading import FileError
from tests.support.killmails import item, killmail_line, unexpected

PRICES = "type_id,sell\n587,400000.5\n34,5.25\n35,10\n"


@pytest.fixture
async def connection(killmail_database: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    opened = await asyncpg.connect(killmail_database)
    yield opened
    await opened.close()


@pytest.fixture
async def loaded(connection: "asyncpg.Connection[Any]", tmp_path: Path) -> Path:
    """Prices, and a file of three killmails and two bad lines, both loaded."""
    (tmp_path / "prices.csv").write_text(PRICES)
    box = item(35, quantity_dropped=1, items=[item(34, quantity_destroyed=4), item(999, quantity_dropped=7)])
    copies = item(587, singleton=2, quantity_destroyed=3)
    file = tmp_path / "killmails.jsonl.gz"
    file.write_bytes(
        gzip.compress(
            killmail_line(1, box, copies)
            + b"{}\n"
            + killmail_line(2, ship=670)
            + b"nonsense\n"
            + killmail_line(3, item(34, quantity_destroyed=2))
        )
    )
    await prices.load(connection, tmp_path / "prices.csv", unexpected)
    bad: list[int] = []
    result = await load.load(connection, file, lambda number, _: bad.append(number))
    assert result == load.Loaded(killmails=3, items=5, already_there=0, bad=2)
    assert bad == [2, 4]
    return file


async def _values(connection: "asyncpg.Connection[Any]", ids: list[int]) -> dict[int, Any]:
    definition = KillmailValues()
    return {row["killmail_id"]: definition.compute(row) for row in await definition.load(connection, ids)}


@pytest.mark.usefixtures("loaded")
async def test_values_follow_the_rule(connection: "asyncpg.Connection[Any]") -> None:
    await connection.execute("DELETE FROM victims WHERE killmail_id = 3")

    values = await _values(connection, [1, 2, 3, 4])

    assert list(values[1].values()) == [Decimal("400031.53"), Decimal("400021.53"), Decimal("10.00")]
    assert list(values[2].values()) == [0, 0, 0]
    assert values[3] == Skip("no victim")
    assert 4 not in values


async def test_loading_again_changes_nothing(connection: "asyncpg.Connection[Any]", loaded: Path) -> None:
    again = await load.load(connection, loaded, lambda *_: None)

    assert again == load.Loaded(killmails=0, items=0, already_there=3, bad=2)
    assert await connection.fetchval("SELECT count(*) FROM killmail_items") == 5


async def test_a_killmail_twice_in_a_file_is_loaded_once(connection: "asyncpg.Connection[Any]", tmp_path: Path) -> None:
    (tmp_path / "twice").write_bytes(killmail_line(1, item(34, quantity_dropped=1)) * 2)

    result = await load.load(connection, tmp_path / "twice", unexpected)

    assert result == load.Loaded(killmails=1, items=1, already_there=1, bad=0)


async def test_a_damaged_archive_loads_what_it_still_has(connection: "asyncpg.Connection[Any]", tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(map(killmail_line, range(1, 3_000))))
    (tmp_path / "half.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(FileError, match="is damaged after line"):
        await load.load(connection, tmp_path / "half.gz", unexpected)
    assert await connection.fetchval("SELECT count(*) FROM killmails") > 100


async def test_prices_are_brought_up_to_date(connection: "asyncpg.Connection[Any]", tmp_path: Path) -> None:
    file, bad = tmp_path / "prices.csv", list[tuple[int, str]]()
    file.write_text(PRICES + '34,6\nx,1\n36,NaN\n37\n"38,1\n')

    first = await prices.load(connection, file, lambda number, why: bad.append((number, why)))
    file.write_text("sell,name,type_id\n7,Tritanium,34\n10,Pyerite,35\n")
    second = await prices.load(connection, file, unexpected)

    assert first == prices.Loaded(prices=4, changed=3, bad=4)
    assert [number for number, _ in bad] == [6, 7, 8, 9]
    assert second == prices.Loaded(prices=2, changed=1, bad=0)
    assert await connection.fetchval("SELECT sell FROM market_prices WHERE type_id = 34") == 7


@pytest.mark.parametrize("content", ["", "type_id,price\n1,2\n", "type_id,sell\nx,y\n"])
async def test_a_price_file_with_nothing_to_load_is_refused(
    connection: "asyncpg.Connection[Any]", tmp_path: Path, content: str
) -> None:
    (tmp_path / "prices.csv").write_text(content)

    with pytest.raises(FileError, match=r"prices\.csv: (no price|the first line)"):
        await prices.load(connection, tmp_path / "prices.csv", lambda *_: None)


async def test_every_way_to_the_values_agrees(connection: "asyncpg.Connection[Any]") -> None:
    await generate(connection, 6_000, seed=5)

    expected = {row[0]: tuple(row)[1:] for row in await connection.fetch(statements.read("expected"))}
    computed = await _values(connection, list(range(1, 6_001)))
    skipped = {killmail_id for killmail_id, values in computed.items() if isinstance(values, Skip)}
    await connection.execute(statements.read("set_based"))
    written = await connection.fetch("SELECT killmail_id, total_value, destroyed_value, dropped_value FROM killmails")

    assert {key: tuple(values.values()) for key, values in computed.items() if key not in skipped} == expected
    assert {row[0]: tuple(row)[1:] for row in written if row["total_value"] is not None} == expected
    assert skipped == set(range(1, 6_001)) - set(expected)
    assert len(skipped) > 0


async def test_made_up_killmails_never_replace_others(connection: "asyncpg.Connection[Any]") -> None:
    await generate(connection, 10)
    await generate(connection, 10, first_id=11)

    with pytest.raises(ConflictError, match="killmails from 20 on are already there"):
        await generate(connection, 10, first_id=20)


@pytest.mark.usefixtures("loaded")
async def test_the_distribution_of_values_has_every_killmail_once(connection: "asyncpg.Connection[Any]") -> None:
    query = statements.read("value_distribution")
    await connection.execute(statements.read("set_based"))
    assert [tuple(row) for row in await connection.fetch(query)] == [
        ("0", 1, Decimal("33.3"), 0, 0),
        ("from 100,000", 2, Decimal("66.7"), Decimal("400011.00"), Decimal("400031.53")),
    ]

    # Each bucket reaches up to the last cent before the next one
    values = ["NULL", "NULL", "-1", "0", "0.01", "0.99", "1", "9.99", "10", "99.99", "999999999999999999.99"]
    await connection.execute("TRUNCATE killmails")
    for number, value in enumerate(values, start=1):
        await connection.execute(
            "INSERT INTO killmails (killmail_id, killmail_time, solar_system_id, total_value) "
            f"VALUES ({number}, now(), 1, {value})"
        )
    rows = await connection.fetch(query)
    assert [(row["value"], row["killmails"]) for row in rows] == [
        ("NULL", 2), ("below 0", 1), ("0", 1), ("below 1", 2), ("from 1", 2), ("from 10", 2),
        ("from 100,000,000,000,000,000", 1),
    ]  # fmt: skip
    assert sum(row["percent"] for row in rows) == pytest.approx(100, abs=0.5)
    await connection.execute("TRUNCATE killmails")
    assert await connection.fetch(query) == []
