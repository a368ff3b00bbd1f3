"""What none of the ledger's roles can do: rights, and what was planned and has happened."""

import asyncpg
import pytest

from tests.support import matrix
from tests.support.logins import Logins, refused, session
from tests.support.operating import done, in_state, queued
from tests.support.world import World

ANOTHER = """
    INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch)
    VALUES (gen_random_uuid(), 'h', 1, '{counter}', 1, 1)
"""


async def test_the_rights_of_every_role_are_those_of_the_page(world: World) -> None:
    await done(world, "init", "--roles")
    assert matrix.PAGE.read_text() == matrix.updated(matrix.PAGE.read_text(), await matrix.read(world.connection)), (
        "docs/security.md is out of date; refresh it with: python -m tests.support.matrix"
    )


async def test_what_an_older_version_gave_is_taken_back(world: World, logins: Logins) -> None:
    await world.execute("GRANT ALL ON backfill_jobs, backfill_events TO backfill_owner")
    await world.execute("GRANT UPDATE ON backfill_partitions TO backfill_worker")
    await done(world, "init", "--roles")
    async with session(logins.owner, "default") as owner:
        await owner.execute("CREATE FUNCTION pg_temp.own() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
        hung = "CREATE TRIGGER t BEFORE INSERT ON backfill_jobs FOR EACH ROW EXECUTE FUNCTION pg_temp.own()"
        for statement in (
            hung,
            "TRUNCATE backfill_jobs CASCADE",
            "CREATE TEMP TABLE x (job uuid REFERENCES backfill_jobs (id))",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.InvalidTableDefinitionError)):
                await owner.execute(statement)
        assert not await owner.fetchval("SELECT has_table_privilege('backfill_jobs', 'TRIGGER')")
    async with session(logins.worker, "default") as worker:
        await refused(worker, "UPDATE backfill_partitions SET record_ids = '{1}'")


async def test_a_trigger_of_somebody_else_on_the_ledger_is_told_at_init(world: World) -> None:
    await world.execute(
        "CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TRIGGER hung BEFORE INSERT ON backfill_jobs FOR EACH ROW EXECUTE FUNCTION theirs()"
    )
    assert "warning: trigger hung on backfill_jobs calls theirs() of " in (await done(world, "init")).err


async def test_what_the_owner_has_under_such_a_name_is_left_alone(world: World) -> None:
    await world.execute(
        "CREATE FUNCTION backfill_of_mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        "CREATE TABLE backfill_notes (); "
        "CREATE TRIGGER mine BEFORE INSERT ON backfill_notes FOR EACH ROW EXECUTE FUNCTION mine()"
    )
    assert "warning" not in (await done(world, "init")).err
    assert await world.value("SELECT proconfig FROM pg_proc WHERE proname = 'backfill_of_mine'") is None


async def test_nobody_truncates_not_even_who_owns_it(world: World) -> None:
    await in_state(world, "completed")
    for table in (
        "jobs",
        "partitions",
        "failures",
        "workers",
        "events",
        "leases",
        "limits",
        "limit_shares",
        "tenants",
        "schema",
    ):
        with pytest.raises(asyncpg.RaiseError, match="backfill delete"):
            await world.execute(f"TRUNCATE backfill_{table} CASCADE")
    assert await world.value("SELECT count(*) FROM backfill_events") > 0
    await done(world, "delete", "latest", "--yes")


async def test_the_login_stands_beside_who_says_that_it_was_he(world: World, logins: Logins) -> None:
    job = await in_state(world, "running")
    name = logins.worker.split("//")[1].split(":")[0]
    async with session(logins.worker, "default") as worker:
        await worker.execute(
            "INSERT INTO backfill_events (backfill_job_id, event, actor) VALUES ($1, 'job.cancelled', 'ada@office')",
            job,
        )
        for column, value in (("login", "'ada'"), ("at", "'2000-01-01'")):
            await refused(worker, f"INSERT INTO backfill_events (event, actor, {column}) VALUES ('x', 'ada', {value})")
    await world.execute(
        "INSERT INTO backfill_events (event, actor, login, at) VALUES ('x', 'ada', 'ada', '2000-01-01')"
    )
    assert await world.value("SELECT login = session_user AND at > '2026-01-01' FROM backfill_events WHERE event = 'x'")
    event = (await done(world, "events", str(job), "--json")).json["events"][-1]
    assert (event["actor"], event["login"]) == ("ada@office", name)
    assert event["at"] > "2026"
    assert f"ada@office as {name}" in (await done(world, "events", str(job))).out


async def test_nobody_takes_a_number_ahead_of_its_turn(world: World, logins: Logins) -> None:
    await world.rows(10)
    job = await queued(world)
    for url in logins.each:
        async with session(url, "default") as login:
            for table, columns, values in (
                ("events", "event, actor", "'x', 'ada'"),
                ("partitions", "backfill_job_id, partition_key, record_ids, record_count", f"'{job}', '9', '{{1}}', 1"),
                (
                    "failures",
                    "backfill_job_id, partition_key, record_id, error_class, error_message, attempts",
                    f"'{job}', '1', '1', 'E', 'e', 1",
                ),
            ):
                insert = f"INSERT INTO backfill_{table} (id, {columns}) OVERRIDING SYSTEM VALUE VALUES (99, {values})"
                await refused(login, insert)


async def test_a_worker_that_was_asked_to_stop_is_an_event_with_a_login(world: World, logins: Logins) -> None:
    await world.execute(ANOTHER)
    await done(world, "workers", "stop", "--all", "--yes", DATABASE_URL=logins.operator, LOGNAME="ada")
    async with session(logins.operator, "default") as operator:  # again, and another one by hand: each once
        await operator.execute("UPDATE backfill_workers SET stop_requested_at = now()")
        await world.execute(ANOTHER)
        await operator.execute("UPDATE backfill_workers SET stop_requested_at = now(), stop_requested_by = 'eve'")
    rows = await world.fetch("SELECT * FROM backfill_events WHERE event = 'worker.stop_requested' ORDER BY id")
    assert [row["actor"].split("@")[0] for row in rows] == ["ada", "eve"]
    assert all(row["login"] in logins.operator for row in rows)
    async with session(logins.worker, "default") as worker:
        await refused(worker, "UPDATE backfill_workers SET stop_requested_at = now(), stop_requested_by = 'ada'")


async def test_what_was_planned_stays_whoever_works(world: World, logins: Logins) -> None:
    await world.rows(10)
    await queued(world)
    planned = ("record_ids = '{1}'", "record_count = 1", "partition_key = '9'", "sweep = 1", "backfill_job_id = NULL")
    for url in (logins.worker, logins.operator):
        async with session(url, "default") as login:
            for change in planned:
                await refused(login, f"UPDATE backfill_partitions SET {change}")
            with pytest.raises(asyncpg.CheckViolationError, match="has no such records left"):
                await login.execute("UPDATE backfill_partitions SET remaining_ids = '{1,99}'")
            assert await login.execute("UPDATE backfill_partitions SET remaining_ids = '{1,9}'") == "UPDATE 1"
            for change in (
                "mode = 'zero'",
                "asset_name = 'x'",
                "record_ids = '{1}'",
                "parameters = '{}'",
                "scope = '{}'",
            ):
                await refused(login, f"UPDATE backfill_jobs SET {change}")
    for change in planned:  # who owns the tables
        with pytest.raises(asyncpg.CheckViolationError, match="stays as it was planned"):
            await world.execute(f"UPDATE backfill_partitions SET {change}")
