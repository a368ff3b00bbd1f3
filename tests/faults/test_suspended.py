"""A process that is suspended with rows locked: its session is ended, wherever in its transaction that was."""

from uuid import uuid4

import asyncpg
import pytest

from backfill import statements
from backfill.database import Connection, is_away
from backfill.ledger import jobs, operations, partitions
from backfill.message import PartitionMessage
from backfill.modes import Mode
from backfill.workers.applying import portion
from backfill.workers.applying.committing import fenced
from tests.support.operating import queued
from tests.support.waiting import eventually
from tests.support.world import World

# For whole transactions; an older server keeps the session for as long as it is connected.
FIRST_WITH_A_LIMIT = 17


async def stops(connection: Connection, world: World) -> None:
    """Stop between the preparing of a statement and its run: to PostgreSQL that is neither idle nor running."""
    await connection.prepare("SELECT 'of this session alone'")
    state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
    assert await world.value(state, connection.get_server_pid()) == "active"
    if connection.get_server_version().major >= FIRST_WITH_A_LIMIT:
        await eventually(connection.is_closed, what="the end of the session")
    await connection.fetchval("SELECT 1")


async def apply_that_stops(connection: Connection, world: World, claim: partitions.Claim) -> None:
    async with fenced(connection, claim, world.backfill, statement_ms=10_000):
        await connection.execute("UPDATE things SET value = 1 WHERE id = 1")
        await stops(connection, world)


async def test_a_session_that_is_neither_idle_nor_running_is_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portion, "TRANSACTION_MS", 3_000)
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


async def test_a_job_is_counted_in_one_statement_so_that_nobody_stops_while_he_holds_it(world: World) -> None:
    """Nor does a worker whose loop is busy with a plain function that computes for long."""
    await world.rows(10)
    await queued(world)
    job = await world.job()
    asked: list[str] = []
    async with world.session() as session:
        for anew in (False, True):
            with session.query_logger(lambda query: asked.append(query.query)):
                assert await jobs.roll_up(session, job, anew=anew)
    assert asked == [statements.read("ledger/jobs/roll_up")] * 2
    await world.finish()
    await world.ends_well()


async def test_nor_is_it_by_a_command_that_is_stopped_between_two_statements(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.rows(10)
    await queued(world)
    job = await world.job()

    async def stop(connection: Connection, *_: object) -> None:
        raise InterruptedError(await connection.fetchval("SHOW idle_in_transaction_session_timeout"))

    monkeypatch.setattr(operations.events, "act", stop)
    for own, expected in (("0", "10s"), ("300", "300ms")):
        async with world.session() as session:
            await session.execute(f"SET idle_in_transaction_session_timeout = {own}")
            with pytest.raises(InterruptedError, match=expected):
                await operations.pause(session, job, actor="a test")
    await world.finish()
    await world.ends_well()
