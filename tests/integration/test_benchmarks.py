"""What `make bench` compares on the table of names: a small one, without the timing."""

import asyncio

import asyncpg
import pytest

from benchmarks import data, sql
from benchmarks.workloads import PEOPLE
from examples.names import normalise

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
