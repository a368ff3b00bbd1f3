"""A login sees the tenants that it belongs to, whatever it says."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from tests.support.logins import Logins, as_role, refused, session
from tests.support.operating import ask, done, queued
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
