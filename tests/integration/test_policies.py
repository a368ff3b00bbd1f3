"""Row-level security on the table itself: refused by name, or worked under the settings that a definition gives."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest

from backfill.catalog import resolve
from backfill.errors import SchemaError
from backfill.modes import Mode
from backfill.workers.applying.writing import KEPT
from backfill.workers.computing.computation import HIDDEN
from tests.support.logins import as_role
from tests.support.made_up import Made, backfilled, queued, verdict, worked
from tests.support.operating import done
from tests.support.world import World

POLICY = "CREATE POLICY by_organisation ON box USING (organisation = current_setting('app.organisation', true))"
SEVEN = {"app.organisation": "7"}


@pytest.fixture
async def bound(world: World) -> AsyncIterator[str]:
    """The URL of a role that policies bind, with a table of two organisations that one splits."""
    await done(world, "init", "--roles")
    await world.execute(
        f"CREATE TABLE box (id bigint PRIMARY KEY, organisation text, value integer); "
        "INSERT INTO box SELECT n, CASE n % 2 WHEN 0 THEN '7' ELSE '8' END FROM generate_series(1, 40) n; "
        f"{POLICY}; ALTER TABLE box ENABLE ROW LEVEL SECURITY"
    )
    password, role = secrets.token_hex(12), f"test_bound_{secrets.token_hex(4)}"
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_operator, backfill_worker; "
        f"GRANT SELECT, UPDATE ON box TO {role}"
    )
    yield as_role(world.database, role, password)
    await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def ones(**parts: Any) -> Made:
    return Made(lambda _: {"value": 1}, **parts)


async def written(world: World) -> set[str]:
    """Organisations with a value."""
    return set(await world.value("SELECT coalesce(array_agg(DISTINCT organisation), '{}') FROM box WHERE value = 1"))


# --- refused


async def test_a_role_that_a_policy_binds_is_refused_with_the_policy_s_name(world: World, bound: str) -> None:
    with pytest.raises(SchemaError, match=r"row-level security of 'box' \(policy by_organisation\) filters") as refused:
        await queued(world, ones(), mode=Mode.NULL, DATABASE_URL=bound)

    assert refused.value.exit_code == 6
    assert "use a role with BYPASSRLS, or name in Made.settings what the policy reads" in str(refused.value)


async def test_a_table_without_any_policy_hides_every_row_and_is_refused_too(world: World, bound: str) -> None:
    await world.execute("DROP POLICY by_organisation ON box")
    with pytest.raises(SchemaError, match="no policy, which hides every row,"):
        await queued(world, ones(), DATABASE_URL=bound)


async def test_a_worker_whose_role_is_bound_pauses_what_another_role_queued(world: World, bound: str) -> None:
    assert await queued(world, ones())

    ended = await verdict(world, await worked(world, ones(), DATABASE_URL=bound))

    assert ended.state == "paused"
    assert ended.counts == {}
    assert "policy by_organisation" in ended.paused


@pytest.mark.parametrize("body", ["false", "true"], ids=["hides-all", "hides-none"])
async def test_a_policy_that_is_switched_on_in_the_middle_pauses_the_job(world: World, bound: str, body: str) -> None:
    await world.execute(
        f"ALTER TABLE box DISABLE ROW LEVEL SECURITY; DROP POLICY by_organisation ON box; "
        f"CREATE POLICY sudden ON box USING ({body})"
    )
    calls = 0

    async def load(connection: Any, keys: Sequence[int]) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            await world.execute("ALTER TABLE box ENABLE ROW LEVEL SECURITY")
        return [{"id": key} for key in keys]

    definition = ones(load=load)
    assert await queued(world, definition, batch_size=10, DATABASE_URL=bound)
    ended = await verdict(world, await worked(world, definition, DATABASE_URL=bound))

    assert ended.state == "paused"
    assert "policy sudden" in ended.paused
    assert "deleted" not in ended.counts
    assert ended.counts.get("updated", 0) == await world.value("SELECT count(*) FROM box WHERE value = 1")


async def test_settings_of_another_tenant_are_refused(world: World, bound: str) -> None:
    other = ones(settings={**SEVEN, "app.current_tenant": "other"})
    with pytest.raises(SchemaError, match="run it with BACKFILL_TENANT=other"):
        await queued(world, other, DATABASE_URL=bound)

    same = ones(settings={**SEVEN, "app.current_tenant": "default"})
    assert (await backfilled(world, same, DATABASE_URL=bound)).counts == {"updated": 20}


# --- allowed


@pytest.mark.parametrize("mode", [Mode.ALL, Mode.NULL])
async def test_a_definition_works_on_what_its_settings_show_at_both_ends(world: World, bound: str, mode: Mode) -> None:
    seen = set()

    async def load(connection: Any, keys: Sequence[int]) -> Any:
        seen.add(await connection.fetchval("SELECT current_setting('app.organisation')"))
        return await connection.fetch("SELECT id FROM box WHERE id = ANY($1)", keys)

    ended = await backfilled(world, ones(settings=SEVEN, load=load), mode=mode, batch_size=10, DATABASE_URL=bound)

    assert ended.state == "completed"
    assert ended.counts == {"updated": 20}
    assert await written(world) == {"7"}
    assert seen == {"7"}


async def test_what_the_closing_sweep_finds_is_of_the_same_organisation(world: World, bound: str) -> None:
    definition = ones(settings=SEVEN)
    assert await queued(world, definition, mode=Mode.NULL, DATABASE_URL=bound)
    await world.execute("UPDATE backfill_jobs SET upper_key = '60'")
    await world.execute(
        "INSERT INTO box SELECT n, CASE n % 2 WHEN 0 THEN '7' ELSE '8' END FROM generate_series(41, 60) n"
    )

    ended = await verdict(world, await worked(world, definition, DATABASE_URL=bound))

    assert ended.counts == {"updated": 30}
    assert await written(world) == {"7"}


async def test_a_record_that_moves_out_of_sight_is_never_called_deleted(world: World, bound: str) -> None:
    definition = ones(settings=SEVEN)
    assert await queued(world, definition, DATABASE_URL=bound)
    await world.execute("UPDATE box SET organisation = '8' WHERE id = 4; DELETE FROM box WHERE id = 6")

    ended = await verdict(world, await worked(world, definition, DATABASE_URL=bound))

    assert ended.counts == {"updated": 18, "skipped": 2}
    assert ended.skipped == {HIDDEN: 2}


async def test_what_a_policy_lets_read_and_not_write_counts_as_skipped(world: World, bound: str) -> None:
    await world.execute("ALTER POLICY by_organisation ON box RENAME TO old; DROP POLICY old ON box")
    await world.execute(
        "CREATE POLICY reading ON box FOR SELECT USING (true); "
        "CREATE POLICY writing ON box FOR UPDATE USING (organisation = current_setting('app.organisation', true))"
    )

    ended = await backfilled(world, ones(settings=SEVEN), DATABASE_URL=bound)

    assert ended.state == "completed"
    assert ended.counts == {"updated": 20, "skipped": 20}
    assert ended.skipped == {KEPT: 20}


async def test_a_value_that_a_policy_refuses_fails_its_record_alone(world: World, bound: str) -> None:
    await world.execute("CREATE POLICY limits ON box AS RESTRICTIVE FOR UPDATE USING (true) WITH CHECK (value < 100)")
    definition = Made(lambda row: {"value": 100 if row["id"] == 8 else 1}, settings=SEVEN)

    ended = await backfilled(world, definition, DATABASE_URL=bound)

    assert ended.state == "completed"
    assert ended.counts == {"updated": 19, "failed": 1}
    assert ended.failed["8"][0] == "InsufficientPrivilegeError"
    assert "row-level security policy" in ended.failed["8"][1]


# --- and gone afterwards


async def setting(connection: "asyncpg.Connection[Any]") -> Any:
    return await connection.fetchval("SELECT current_setting('app.organisation', true)")


@pytest.mark.parametrize("before", [None, "8"])
async def test_settings_are_gone_after_the_work_whatever_became_of_it(world: World, bound: str, before: str) -> None:
    connection = world.connection
    if before is not None:
        await connection.execute(f"SET app.organisation = '{before}'")
    target = await resolve(connection, ones(settings=SEVEN), Mode.ALL)
    async with target.session(connection):
        assert await setting(connection) == "7"
    assert await setting(connection) == (before or "")
    with pytest.raises(ZeroDivisionError):
        async with target.session(connection):
            raise ZeroDivisionError
    assert await setting(connection) == (before or "")


async def test_a_session_whose_settings_cannot_be_taken_back_is_ended(world: World, bound: str) -> None:
    async with world.session() as connection:
        target = await resolve(connection, ones(settings=SEVEN), Mode.ALL)

        async def work() -> None:
            async with target.session(connection):
                running = asyncio.current_task()
                assert running is not None
                running.cancel()  # and so is the statement that would take them back

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(work())
        assert connection.is_closed()
