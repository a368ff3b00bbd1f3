"""A worker that is suspended with rows locked: its session is ended, wherever in its transaction that was."""

from uuid import uuid4

import asyncpg
import pytest

from backfill.database import Connection, is_away
from backfill.ledger import partitions
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.workers.applying import portion
from backfill.workers.applying.committing import fenced
from tests.support.operating import queued
from tests.support.waiting import eventually
from tests.support.world import World

# For whole transactions; an older server keeps the session for as long as it is connected.
FIRST_WITH_A_LIMIT = 17


async def apply_that_stops(connection: Connection, world: World, claim: partitions.Claim) -> None:
    """Stop between the preparing of a statement and its run: to PostgreSQL that is neither idle nor running."""
    async with fenced(connection, claim, world.backfill, statement_ms=300):
        await connection.execute("UPDATE things SET value = 1 WHERE id = 1")
        await connection.prepare("SELECT 'of this session alone'")
        state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
        assert await world.value(state, connection.get_server_pid()) == "active"
        if connection.get_server_version().major >= FIRST_WITH_A_LIMIT:
            await eventually(connection.is_closed, what="the end of the session")
        await connection.fetchval("SELECT 1")


async def test_a_session_that_is_neither_idle_nor_running_is_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portion, "TRANSACTION_MS", 1_000)
    await world.rows(10)
    await queued(world)
    message = PartitionMessage(await world.job(), world.backfill, Mode.ALL, "000000001")
    claim = await partitions.claim(world.connection, message, uuid4(), 60.0)
    assert claim is not None
    async with world.session() as session:
        if session.get_server_version().major < FIRST_WITH_A_LIMIT:
            await apply_that_stops(session, world, claim)
        else:
            with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError)) as error:
                await apply_that_stops(session, world, claim)
            assert is_away(error.value), "it is no attempt of the partition"
            async with world.connection.transaction():
                await world.execute("SELECT FROM things WHERE id = 1 FOR UPDATE NOWAIT")
    await partitions.release(world.connection, claim)
    await world.finish()
    await world.ends_well()
