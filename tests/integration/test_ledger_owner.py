"""Who made the ledger, a role or an upgrade is not believed for it: it has one owner, and a tenant its members."""

import secrets

import pytest

from backfill import statements
from tests.support import databases
from tests.support.logins import as_role
from tests.support.operating import done
from tests.support.world import World

OLDER = sorted((statements.FOLDER / "schema").glob("[0-9]*.sql"))[:14]


async def test_who_made_the_role_of_a_tenant_is_no_member_that_closes_it(world: World) -> None:
    maker = f"test_maker_{secrets.token_hex(4)}"
    await world.execute("INSERT INTO backfill_tenants VALUES ('made', 'public')")
    await world.execute(
        f"CREATE ROLE {maker} CREATEROLE; SET ROLE {maker}; CREATE ROLE backfill_tenant_made; RESET ROLE"
    )
    assert 'GRANT "backfill_tenant_made" TO its logins' in (await done(world, "init", "--roles", "--tenant=made")).err
    await world.execute(f"DROP ROLE backfill_tenant_made; DROP ROLE {maker}")


@pytest.mark.parametrize("by_owner", [True, False])
async def test_whoever_upgrades_it_its_owner_has_the_whole_and_what_was_forged_is_gone(
    world: World, by_owner: bool
) -> None:
    """Else the policies believe who made their functions, and new foreign keys see one tenant's rows only."""
    owner, password = f"test_own_{secrets.token_hex(4)}", secrets.token_hex(12)
    async with databases.new_database(world.database) as url:
        await databases.execute(
            url, f"CREATE ROLE {owner} LOGIN PASSWORD '{password}'; GRANT CREATE ON SCHEMA public TO {owner}"
        )
        theirs = as_role(url, owner, password)
        older = [statements.read(f"schema/{path.stem}") for path in OLDER]
        recorded = "INSERT INTO backfill_schema (version) SELECT generate_series(1, 14)"
        await databases.execute(theirs, statements.read("schema/versions"), *older, recorded)
        await databases.execute(
            url,
            "INSERT INTO backfill_jobs (tenant_id, asset_name, mode, batch_size, definition_hash) "
            "VALUES ('acme', 'a', 'all', 1, 'h')",
            "INSERT INTO backfill_partitions (backfill_job_id, tenant_id, partition_key, record_ids, record_count) "
            "SELECT id, tenant, tenant, '{1}', 1 FROM backfill_jobs, unnest('{acme,forged}'::text[]) tenant",
            "INSERT INTO backfill_failures (backfill_job_id, tenant_id, partition_key, record_id, error_class, "
            "error_message, attempts) SELECT id, 'forged', '1', '1', 'E', 'e', 1 FROM backfill_jobs",
            "INSERT INTO backfill_events (tenant_id, backfill_job_id, event, actor) "
            "VALUES ('deleted', gen_random_uuid(), 'job.completed', 'ada')",
        )
        await done(world, "init", DATABASE_URL=theirs if by_owner else url)
        assert (
            await databases.fetch(
                url,
                "SELECT relname::text FROM pg_class WHERE relname LIKE 'backfill\\_%' AND relowner::regrole::text <> "
                f"'{owner}' UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'backfill\\_%' "
                f"AND proowner::regrole::text <> '{owner}'",
            )
            == []
        )
        left = "SELECT tenant_id FROM backfill_partitions UNION ALL SELECT tenant_id FROM backfill_failures"
        assert [row[0] for row in await databases.fetch(url, left)] == ["acme"]
        forced = "SELECT count(*) FROM pg_class WHERE relname LIKE 'backfill\\_%' AND relforcerowsecurity"
        assert await databases.value(url, forced) == 14
        await done(world, "list", DATABASE_URL=theirs, BACKFILL_TENANT="acme")
        were = "SELECT tenant_id FROM backfill_tenants ORDER BY 1"  # also one whose jobs were all deleted
        assert [row[0] for row in await databases.fetch(url, were)] == ["acme", "default", "deleted"]
        said = await done(world, "init", DATABASE_URL=theirs)
        assert "Applied" not in said.out + said.err
        assert "warning" not in said.err
        await databases.execute(url, f"DROP OWNED BY {owner}; DROP ROLE {owner}")
