"""What is set for a moment is over with the moment, also within a transaction that has settings of its own."""

import asyncpg
import pytest

from backfill import sessions


@pytest.fixture
async def connection(database: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(database, timeout=10, server_settings={"lock_timeout": "5000"})


async def test_a_setting_within_a_transaction_ends_with_it(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = 100")
        before = await sessions.put(connection, {"lock_timeout": "20ms"})
        assert await connection.fetchval("SHOW lock_timeout") == "20ms"
        await sessions.put(connection, before)
        assert await connection.fetchval("SHOW lock_timeout") == "100ms"
    assert await connection.fetchval("SHOW lock_timeout") == "5s"
    await connection.close()
