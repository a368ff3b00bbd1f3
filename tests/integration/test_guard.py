"""What none of the ledger's roles can do, whatever it says: the ways that would bend it."""

import re
import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from backfill import statements
from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from tests.support import databases, matrix
from tests.support.logins import Logins, as_role, refused, session
from tests.support.operating import ask, done, in_state, queued
from tests.support.pooler import pgbouncer
from tests.support.world import World


@pytest.fixture
async def acme(world: World) -> AsyncIterator[str]:
    """A login with every role of the ledger that belongs to the tenant acme."""
    await done(world, "init", "--roles", "--tenant=acme")
    role, password = f"test_acme_{secrets.token_hex(4)}", secrets.token_hex(12)
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_owner, backfill_operator, "
        "backfill_worker, backfill_reader, backfill_tenant_acme"
    )
    yield as_role(world.database, role, password)
    await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


# --- rights


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


# --- tenants


async def test_a_login_sees_its_own_tenants_and_says_what_it_likes_in_vain(world: World, acme: str) -> None:
    await world.rows(10)
    theirs = await queued(world)
    own = await queued(world, "--id=1", DATABASE_URL=acme, BACKFILL_TENANT="acme")

    async with pgbouncer(acme, size=2) as pooled:
        for url in (acme, pooled):
            async with session(url) as login:
                for tenant, seen in (("acme", [own]), ("default", []), ("", []), ("acme' OR '1", [])):
                    async with login.transaction():
                        await login.execute("SELECT set_config('app.current_tenant', $1, true)", tenant)
                        assert [row[0] for row in await login.fetch("SELECT id FROM backfill_jobs")] == seen
                        assert await login.execute("UPDATE backfill_jobs SET pause_ms = 1") == f"UPDATE {len(seen)}"
            for name in ("default", "other"):
                for command, argument in ((backfill, "list"), (queue, "--mode=all")):
                    answer = await ask(world, argument, command=command, DATABASE_URL=url, BACKFILL_TENANT=name)
                    assert (answer.code, answer.out) == (6, "")
                    assert "does not belong to the tenant that BACKFILL_TENANT names, only to acme;" in answer.err
    assert await world.value("SELECT pause_ms FROM backfill_jobs WHERE id = $1", theirs) == 0


async def test_a_role_that_a_session_takes_on_changes_nothing(world: World, acme: str, logins: Logins) -> None:
    await world.rows(10)
    await queued(world, "--id=1", DATABASE_URL=acme, BACKFILL_TENANT="acme")
    async with session(logins.owner, "acme") as nobody:
        assert await nobody.fetch("SELECT FROM backfill_jobs") == []
        await nobody.execute("SET ROLE backfill_owner")
        assert await nobody.fetch("SELECT FROM backfill_jobs") == []
        await refused(nobody, "INSERT INTO backfill_tenants VALUES ('acme', 'public')")
        await refused(nobody, "SELECT * FROM backfill_tenants")
        await refused(nobody, "SET SESSION AUTHORIZATION backfill_tenant_acme")
    async with session(acme, "acme") as member:
        await member.execute("SET ROLE backfill_reader")
        assert len(await member.fetch("SELECT FROM backfill_jobs")) == 1


async def test_nobody_takes_part_in_the_job_of_another_tenant(world: World, acme: str) -> None:
    await world.rows(10)
    theirs = await queued(world)
    async with session(acme, "acme") as login:
        for table, columns, values in (
            ("partitions", "partition_key, record_ids, record_count", "'000000002', '{1}', 1"),
            ("failures", "partition_key, record_id, error_class, error_message, attempts", "'1', '1', 'E', 'e', 1"),
        ):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                await login.execute(
                    f"INSERT INTO backfill_{table} (backfill_job_id, tenant_id, {columns}) "
                    f"VALUES ($1, 'acme', {values})",
                    theirs,
                )
        await login.execute(
            "INSERT INTO backfill_jobs (asset_name, mode, batch_size, definition_hash, first_job_id, pass_number) "
            "VALUES ('counter', 'all', 1, 'h', $1, 1)",
            theirs,
        )
    # which is no pass of theirs, and keeps no pass of theirs from beginning
    await world.execute(f"UPDATE backfill_jobs SET first_job_id = id, pass_number = 1 WHERE id = '{theirs}'")


async def test_tenants_of_before_stay_open_until_somebody_belongs_to_them(world: World, logins: Logins) -> None:
    await world.rows(10)
    await world.execute("INSERT INTO backfill_tenants VALUES ('old', 'public')")
    await queued(world, DATABASE_URL=logins.operator, BACKFILL_TENANT="old")
    said = await done(world, "init", "--roles", "--tenant=old")
    assert 'GRANT "backfill_tenant_old" TO its logins, then run this again' in said.err
    await done(world, "list", DATABASE_URL=logins.reader, BACKFILL_TENANT="old")
    await world.execute(logins.belong_to("old"))
    assert (await done(world, "init", "--roles", "--tenant=old")).err == ""
    await done(world, "list", DATABASE_URL=logins.reader, BACKFILL_TENANT="old")
    assert (await ask(world, "list", DATABASE_URL=logins.reader)).code == 6  # it belongs to no other


async def test_an_open_session_does_not_go_on_seeing_a_tenant_that_is_closed(world: World, logins: Logins) -> None:
    await world.rows(10)
    await queued(world)
    count = "SELECT count(*) FROM backfill_jobs"
    async with session(logins.reader, "default") as reader:
        await reader.execute("SET plan_cache_mode = force_generic_plan")
        prepared = await reader.prepare(count)
        assert await prepared.fetchval() == 1
        await world.execute("UPDATE backfill_tenants SET role = 'backfill_nobody' WHERE tenant_id = 'default'")
        assert await prepared.fetchval() == 0
        await world.execute("UPDATE backfill_tenants SET role = 'backfill_reader' WHERE tenant_id = 'default'")
        assert await prepared.fetchval() == 1


# --- who, and what was planned


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
    await world.execute(
        "INSERT INTO backfill_workers (id, host, pid, backfills, concurrency, prefetch) "
        "VALUES (gen_random_uuid(), 'h', 1, '{counter}', 1, 1)"
    )
    await done(world, "workers", "stop", "--all", "--yes", DATABASE_URL=logins.operator, LOGNAME="ada")
    [row] = await world.fetch("SELECT * FROM backfill_events WHERE event = 'worker.stop_requested'")
    assert row["actor"].startswith("ada@")
    assert row["login"] in logins.operator
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


# --- names that stand for others


async def test_every_function_of_the_ledger_finds_what_it_names_by_itself(world: World) -> None:
    rows = await world.fetch(
        "SELECT proname::text, prosecdef FROM pg_proc WHERE proname LIKE 'backfill\\_%' AND prosqlbody IS NULL "
        "AND NOT coalesce(proconfig, '{}') @> ARRAY['search_path=pg_catalog, public, pg_temp']"
    )
    assert rows == []
    definers = await world.fetch("SELECT proname::text FROM pg_proc WHERE proname LIKE 'backfill\\_%' AND prosecdef")
    assert [row[0] for row in definers] == ["backfill_own_tenants"]


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("FUNCTION public.lpad(integer, integer, text) RETURNS text LANGUAGE sql AS 'SELECT $3'", "function lpad("),
        ("OPERATOR public.|| (FUNCTION = theirs, LEFTARG = text, RIGHTARG = uuid)", "operator ||("),
        ("FUNCTION public.lpad(theirs) RETURNS text LANGUAGE sql AS 'SELECT NULL'", ""),  # for a type of their own
        ("FUNCTION public.anything(integer) RETURNS text LANGUAGE sql AS 'SELECT NULL'", ""),
        # called, were it not for this: what is passed to it is of no type yet, and numbers like best to be of this one
        (
            "FUNCTION public.backfill_rest_calls(text, text, float, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function backfill_rest_calls(text,text,double precision,text)",
        ),
        ("TABLE early.backfill_leases (name text)", "table backfill_leases"),
        ("VIEW early.backfill_events AS SELECT 'job.completed' AS event", "table backfill_events"),
        ("TABLE early.anything (name text)", ""),
    ],
)
async def test_what_a_stranger_put_in_the_way_is_refused(world: World, made: str, named: str) -> None:
    mallory = f"mallory_{secrets.token_hex(4)}"
    theirs = (
        "CREATE FUNCTION public.theirs(text, uuid) RETURNS text LANGUAGE sql AS 'SELECT $1'; "
        "CREATE TYPE public.theirs AS (n integer)"
    )
    async with databases.new_database(world.database) as url:
        await done(world, "init", DATABASE_URL=url)
        await databases.execute(
            url,
            f"CREATE ROLE {mallory}; GRANT CREATE ON SCHEMA public TO {mallory}; "
            f"CREATE SCHEMA early AUTHORIZATION {mallory}; "
            f"ALTER DATABASE {url.rpartition('/')[2]} SET search_path = early, public",
        )
        await databases.execute(url, f"SET ROLE {mallory}; {theirs}; CREATE {made}")
        answer = await ask(world, "list", DATABASE_URL=url)
        assert answer.code == (6 if named else 0)
        if named:
            assert f"error: {named}" in answer.err
            assert (
                f"of role {mallory} stands in the way of PostgreSQL's or the ledger's own; drop it, and: REVOKE CREATE"
                in answer.err
            )
        await databases.execute(url, f"DROP OWNED BY {mallory}; DROP ROLE {mallory}")


async def test_every_function_that_our_statements_call_is_watched(world: World) -> None:
    watched = set(re.findall(r"'([a-z_0-9]+)'", statements.read("schema/shadows").partition("proname IN (")[2]))
    called: set[str] = set()
    for path in statements.FOLDER.rglob("*.sql"):
        text = re.sub(r"--.*|'[^']*'", "", path.read_text())
        called |= set(re.findall(r"\b([a-z_][a-z0-9_]*) ?\(", text))
    known = "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
    assert called & {row[0] for row in await world.fetch(f"{known} AND proname = ANY ($1)", [*called])} <= watched
