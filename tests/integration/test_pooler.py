"""Everything works through a pooler that gives each transaction another session."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from asyncpg import connection as driver

from backfill import database, sessions
from backfill.errors import UsageError
from backfill.services import ports
from backfill.testing import databases as testing_databases
from tests.support import databases, pooler
from tests.support.definitions import Counter
from tests.support.operating import ask, completed, done, queued, until, working
from tests.support.pieces import Months
from tests.support.world import HASTY, World

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("pooler")]
SETTINGS = "SELECT current_setting('TimeZone'), current_setting('jit'), current_setting('app.current_tenant', true)"


@pytest.fixture
def database_url(database: str) -> str:
    """The test's own database; the module of that name is ours."""
    return database


class Preparing(Months):
    """Its load prepares a statement outside of transactions."""

    name = "preparing"
    parameters: Months.Parameters

    async def load(self, connection: Any, key: str) -> Any:
        return await (await connection.prepare("SELECT 1")).fetchval()


class LoadBegins(Months):
    name = "load_begins"
    parameters: Months.Parameters

    async def load(self, connection: Any, key: str) -> Any:
        await connection.execute("BEGIN")


class KeysBegin(Months):
    name = "keys_begin"
    parameters: Months.Parameters

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        await connection.execute("BEGIN")
        yield "unit-001/2024-01"


class ColumnBegins(Counter):
    name = "column_begins"

    async def load(self, connection: Any, keys: Sequence[Any]) -> Any:
        await connection.execute("BEGIN")
        return await super().load(connection, keys)


async def settings_of(connection: "asyncpg.Connection[Any]") -> tuple[Any, ...]:
    row = await connection.fetchrow(SETTINGS)
    assert row
    return tuple(row)


@pytest.mark.parametrize(
    "more", ["", "ignore_startup_parameters = " + ",".join(["app.current_tenant", *sessions.PINNED])]
)
async def test_a_pooler_is_noticed_and_each_transaction_has_the_settings(database_url: str, more: str) -> None:
    # Refused or dropped without a word, the settings come with each transaction; nobody else has them afterwards.
    async with pooler.pgbouncer(database_url, size=1, more=more) as url:
        # Clients with the same driver leave statements behind, under the names that ours would have.
        names = [f"__asyncpg_stmt_{number:x}__" for number in range(driver._uid, driver._uid + 200)]
        await databases.execute(url, ";".join(f"PREPARE {name} AS SELECT 1" for name in names))
        async with (
            database.connected(url, name="backfill-a", tenant="a") as a,
            database.connected(url, name="backfill-b", tenant="b") as b,
        ):
            assert await settings_of(a) == ("UTC", "off", "a")
            assert await settings_of(b) == ("UTC", "off", "b")
            async with a.transaction(isolation="read_committed"):
                assert await settings_of(a) == ("UTC", "off", "a")
                async with a.transaction():
                    assert await settings_of(a) == ("UTC", "off", "a")
            before = await sessions.put(b, {"work_mem": "1MB", "app.region": "7"})
            assert await b.fetchval("SELECT current_setting('work_mem')") == "1MB"
            await sessions.put(b, before)
            assert await b.fetchval("SELECT current_setting('work_mem')") != "1MB"
        plain = await asyncpg.connect(url, statement_cache_size=0)
        assert (await settings_of(plain))[2] in (None, "")
        await plain.close()


async def test_an_error_or_a_timeout_ends_its_own_transaction_only(database_url: str) -> None:
    async with (
        pooler.pgbouncer(database_url, size=1) as url,
        database.connected(url, name="backfill-a") as a,
        database.connected(url, name="backfill-b") as b,
    ):
        for _ in range(3):
            with pytest.raises(asyncpg.DivisionByZeroError):
                await a.fetchval("SELECT 1 / $1::int", 0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await a.execute("SELECT pg_sleep(20)")
            assert await b.fetchval("SELECT 2 * $1::int", 4) == 8
            assert await a.fetchval("SELECT 3 * $1::int", 4) == 12
        await sessions.put(a, {"statement_timeout": "no time"})
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await a.fetchval("SELECT 1")
        await sessions.put(a, {"statement_timeout": None})
        assert not a.is_in_transaction()
        assert await a.fetchval("SELECT 1") == 1


async def test_a_definition_may_use_cursors_and_prepare_in_a_transaction(database_url: str) -> None:
    async with (
        pooler.pgbouncer(database_url, size=1) as url,
        database.connected(url, name="backfill-a") as a,
        database.connected(url, name="backfill-b") as b,
    ):
        for one in (a, b):
            async with one.transaction():
                statement = await one.prepare("SELECT $1::int * 2")
                assert [await statement.fetchval(n) for n in (1, 2)] == [2, 4]
                rows = [row[0] async for row in one.cursor("SELECT generate_series(1, $1::int)", 120)]
                assert rows == list(range(1, 121))
        with pytest.raises(asyncpg.InterfaceError, match="in a transaction only"):
            await a.prepare("SELECT 1")


@pytest.mark.parametrize("way", ["straight", "pooler"])
async def test_a_write_that_commits_pauses_its_job_and_is_told_by_a_check(world: World, way: str) -> None:
    world.definition, world.checked = "tests.support.pieces:Months", True
    odd = ("-P", """odd={"unit-001/2024-01": "commit"}""")
    async with AsyncExitStack() as stack:
        url = world.database
        if way == "pooler":
            url = await stack.enter_async_context(pooler.pgbouncer(url, size=1))
        checked = await ask(world, "check", "--sample=2", *odd, DATABASE_URL=url)
        assert checked.code == 6, checked
        said = "write of months for unit-001/2024-01 has ended its transaction: it must neither commit nor roll back"
        assert f"{said}; what it wrote before that is not rolled back" in checked.out
        ran = await ask(world, "run", *odd, DATABASE_URL=url)
        assert ran.code == 9, ran
        assert said in ran.out


@pytest.mark.parametrize("way", ["straight", "pooler"])
@pytest.mark.parametrize(
    ("method", "code"), [("LoadBegins", 9), ("KeysBegin", 6), ("ColumnBegins", 9)], ids=["load", "keys", "column"]
)
async def test_a_transaction_that_is_left_open_is_ended_and_said(
    world: World, way: str, method: str, code: int
) -> None:
    """With one session, whoever left it open would keep everybody out."""
    world.definition, world.checked = f"tests.integration.test_pooler:{method}", True
    await world.rows(3)
    async with AsyncExitStack() as stack:
        url = world.database
        if way == "pooler":
            url = await stack.enter_async_context(pooler.pgbouncer(url, size=1))
        checked = await ask(world, "check", "--sample=2", DATABASE_URL=url)
        assert (checked.code, "has left a transaction open: end it there" in checked.out) == (6, True), checked
        async with asyncio.timeout(60):
            ran = await ask(world, "run", DATABASE_URL=url)
        assert ran.code == code, ran
        assert "has left a transaction open: end it there" in ran.out + ran.err


async def test_what_takes_a_session_of_its_own_pauses_its_job_and_fails_no_record(world: World) -> None:
    world.definition, world.checked = "tests.integration.test_pooler:Preparing", True
    async with pooler.pgbouncer(world.database, size=2) as url:
        checked = await ask(world, "check", "--sample=2", DATABASE_URL=url)
        assert (checked.code, "through a pooler a statement is prepared in a" in checked.out) == (6, True), checked
        ran = await ask(world, "run", "--json", DATABASE_URL=url)
        assert (ran.code, ran.json["failed"]) == (9, 0), ran
    assert (await ask(world, "check", "--sample=2")).code == 0


async def test_databases_of_tests_are_not_made_through_a_pooler(database_url: str) -> None:
    async with pooler.pgbouncer(database_url, size=2) as url:
        with pytest.raises(UsageError, match="leads through a pooler, and tests make databases of their own; name the"):
            await testing_databases.create(url)


async def test_a_job_runs_through_a_pooler_with_fewer_sessions_than_clients(world: World) -> None:
    """Queued, paused, resumed, one worker killed: every promise holds."""
    await world.rows(150)
    async with pooler.pgbouncer(world.database, size=2) as url:
        through = {"DATABASE_URL": url}
        job = await queued(world, "--mode=all", "--batch-size=10", **through)
        await world.execute("UPDATE backfill_jobs SET pause_ms = 10000")  # so that it is paused before it has ended
        killed = world.worker("--concurrency=1", failpoint="worker.before_commit=kill", **through, **HASTY)
        await world.until_killed(killed)
        async with working(world, 2, concurrency=2, **through):
            await until(world, "running", job)
            await done(world, "pause", str(job), **through)
            await done(world, "resume", str(job), **through)
            await done(world, "set", str(job), "--pause-ms=0", **through)
            status = await ask(world, "status", "--json", **through)
            assert status.json["backfill"] == "counter", status
            await world.until_ended()
        assert (await done(world, "status", "--json", **through)).json["updated"] == 150
        assert "has no failed records" in (await done(world, "failures", **through)).out
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 150
    await world.ends_well()


async def test_a_pooler_that_is_killed_and_comes_back_costs_time_only(world: World) -> None:
    await world.rows(100)
    port = ports.free_block(1)
    async with pooler.pgbouncer(world.database, size=2, listen=port) as url:
        await queued(world, "--mode=all", "--batch-size=5", DATABASE_URL=url)
        await world.execute("UPDATE backfill_jobs SET pause_ms = 50")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(working(world, 2, DATABASE_URL=url))
            await completed(world, 2)
            workers = stack.pop_all()
    async with pooler.pgbouncer(world.database, size=2, listen=port):
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
        await world.until_ended()
        await workers.aclose()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_a_definition_with_settings_and_bad_records_works_through_a_pooler(world: World) -> None:
    """Halving, a slow record that is cut off, a record that a trigger refuses: all with settings of a moment."""
    world.definition = "Poison"
    await world.rows(40, base="CASE id WHEN 7 THEN 1 WHEN 9 THEN 9 WHEN 21 THEN 6 ELSE 0 END")
    async with pooler.pgbouncer(world.database, size=2) as url:
        await queued(world, "--mode=null", "--batch-size=20", DATABASE_URL=url)
        async with working(world, DATABASE_URL=url):
            await world.until_ended()
    assert await world.value("SELECT array_agg(record_id ORDER BY record_id) FROM backfill_failures") == [
        "21",
        "7",
        "9",
    ]
    await world.ends_well()


@asynccontextmanager
async def sessions_of(database_url: str, pooled: bool, more: str = "") -> AsyncIterator[list[Any]]:
    """One by itself and one of a pool, each straight to the server or through a pooler."""
    async with pooler.pgbouncer(database_url, size=1) as through:
        url = f"{through if pooled else database_url}{more}"
        async with (
            database.connected(url, name="backfill-a") as one,
            database.pooled(url, name="w", size=1, statement_timeout_ms=5000, lock_timeout_ms=100) as pool,
            pool.acquire() as another,
        ):
            yield [one, another]


@pytest.mark.parametrize("pooled", [False, True])
async def test_no_session_compiles_queries_whatever_the_role_or_the_url_says(database_url: str, pooled: bool) -> None:
    # Disabled plan kinds cost so much until PostgreSQL 17 that every page of a producer would be compiled.
    async with sessions_of(database_url, pooled, "?jit=on") as both:
        for connection in both:
            assert await connection.fetchval("SHOW jit") == "off"
        assert await both[1].fetchval("SELECT '{\"a\": 1}'::json") == {"a": 1}


@pytest.mark.parametrize("pooled", [False, True])
async def test_every_statement_sees_what_is_committed_whatever_the_database_says(
    database_url: str, pooled: bool
) -> None:
    """Else a claim, or a count, that waited for another's end goes on from what was there before."""
    name = await databases.value(database_url, "SELECT current_database()")
    await databases.execute(database_url, f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    async with sessions_of(database_url, pooled) as both:
        for connection in both:
            assert await connection.fetchval("SHOW transaction_isolation") == "read committed"
