"""What `make bench` compares on the tables of names: a small one of each, without the timing."""

import asyncio

import asyncpg
import pytest

from backfill.examples.names import NormalisedNames, normalise
from benchmarks import data, sql
from benchmarks.bench import Bench
from benchmarks.definitions import OrderLines
from benchmarks.options import Options
from benchmarks.sections import monitor
from benchmarks.workloads import ORDER_LINES, PEOPLE

RECORDS = 400


async def check(workload, url: str) -> None:
    # A benchmark runs its statements from outside any loop.
    await asyncio.to_thread(workload.check, url, url, RECORDS)


async def test_the_single_update_writes_what_the_example_computes(database: str) -> None:
    await data.fill(database, PEOPLE.kind, RECORDS)
    await asyncio.to_thread(sql.execute, database, PEOPLE.update)
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT name, name_normalised FROM people")
        assert len(rows) == RECORDS
        assert [row["name_normalised"] for row in rows] == [normalise(row["name"]) for row in rows]
        await check(PEOPLE, database)
        await connection.execute("UPDATE people SET name_normalised = name_normalised || ' ' WHERE id = 7")
        with pytest.raises(AssertionError, match=r"writes: 1$"):
            await check(PEOPLE, database)
    finally:
        await connection.close()


async def test_a_row_of_order_lines_without_its_value_is_seen(database: str) -> None:
    await data.fill(database, ORDER_LINES.kind, RECORDS)
    connection = await asyncpg.connect(database)
    try:
        with pytest.raises(AssertionError, match=f"writes: {RECORDS}$"):
            await check(ORDER_LINES, database)
        rows = await connection.fetch(OrderLines.inputs, [2, 1, 9_999], [1, 4, 1])
        assert {(row["order_id"], row["line_no"]) for row in rows} == {(2, 1), (1, 4)}
        values = [NormalisedNames().compute(row)["name_normalised"] for row in rows]
        assert all(value == normalise(row["name"]) for value, row in zip(values, rows, strict=True))
    finally:
        await connection.close()


def test_logs_are_read_whole_and_in_little_memory() -> None:
    figures = list(monitor.measure(Bench(None, Options(log_mb=8, runs=1))))  # type: ignore[arg-type]
    assert [figure.unit for figure in figures] == ["MB/s", "MB"] * 3
    assert all(figure.reached for figure in figures if figure.unit == "MB")
