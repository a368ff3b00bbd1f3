"""Row-level security on what a PartitionBackfill writes: refused by name, or worked under the settings it gives."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, ClassVar

import pytest

from backfill import Call, Outcome, PartitionBackfill
from backfill.producers.command import main as queue
from tests.support import pooler
from tests.support.logins import as_role
from tests.support.operating import ask, done
from tests.support.world import World

HERE = "tests.integration.test_policies_of_writes"
OF_TENANT = "CREATE POLICY by_tenant ON boxes USING (organisation = current_setting('app.current_tenant', true))"


class Blind(PartitionBackfill):
    """An UPDATE of rows that it does not see writes nothing, and says so nowhere."""

    name = "blind"
    writes = ("boxes",)

    async def keys(self, connection: Any, after: str | None) -> AsyncIterator[str]:
        for row in await connection.fetch("SELECT id::text FROM boxes ORDER BY 1"):
            yield row["id"]

    async def load(self, connection: Any, key: str) -> Any:
        return await connection.fetchval("SELECT organisation FROM boxes WHERE id = $1", int(key))

    async def fetch(self, call: Call, key: str) -> Any:
        async with call:
            return call.loaded

    async def write(self, connection: Any, key: str, fetched: Any) -> Outcome:
        await connection.execute("UPDATE boxes SET value = $2 WHERE id = $1", int(key), fetched)
        return Outcome.UPDATED

    async def finish(self, connection: Any, job: Any) -> Mapping[str, Any]:
        return {"seen": await connection.fetchval("SELECT count(*) FROM boxes")}


class Sighted(Blind):
    name = "sighted"
    settings: ClassVar[Mapping[str, str]] = {"app.organisation": "7"}


class OfTenant(Blind):
    name = "of_tenant"
    settings: ClassVar[Mapping[str, str]] = {"app.current_tenant": "seven"}


@pytest.fixture(params=["straight", "pooler"])
async def bound(world: World, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The URL of a role that policies bind, on its own or through a pooler with fewer sessions than clients."""
    await done(world, "init", "--roles")
    world.checked = True
    await world.execute(
        "CREATE TABLE boxes (id integer PRIMARY KEY, organisation text, value text); "
        "INSERT INTO boxes SELECT n, CASE n % 2 WHEN 0 THEN '7' ELSE 'seven' END FROM generate_series(1, 9) n; "
        "CREATE POLICY by_organisation ON boxes USING (organisation = current_setting('app.organisation', true)); "
        "ALTER TABLE boxes ENABLE ROW LEVEL SECURITY"
    )
    password, role = secrets.token_hex(12), f"test_bound_{secrets.token_hex(4)}"
    await world.execute(
        f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_operator, backfill_worker; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON boxes TO {role}"
    )
    url = as_role(world.database, role, password)
    async with AsyncExitStack() as stack:
        if request.param == "pooler":
            request.getfixturevalue("pooler")
            url = await stack.enter_async_context(pooler.pgbouncer(url, size=2))
        yield url
    await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def values(world: World) -> set[tuple[str, str | None]]:
    rows = await world.fetch("SELECT DISTINCT organisation, value FROM boxes")
    return {(row["organisation"], row["value"]) for row in rows}


@pytest.mark.parametrize("words", [("run",), ("check",), ("queue",)])
async def test_a_role_that_a_policy_binds_is_refused_before_a_job_is_opened(
    world: World, bound: str, words: tuple[str, ...]
) -> None:
    app = f"{HERE}:Blind"
    if words == ("queue",):
        answer = await ask(world, command=queue, DATABASE_URL=bound, BACKFILL_APP=app)
    else:
        answer = await ask(world, *words, DATABASE_URL=bound, BACKFILL_APP=app)
    assert answer.code == 6, answer
    assert "row-level security of 'boxes' (policy by_organisation) filters what the role" in answer.out + answer.err
    assert "name in Blind.settings what the policy reads" in answer.out + answer.err
    assert await world.value("SELECT count(*) FROM backfill_jobs") == 0


async def test_a_worker_whose_role_is_bound_pauses_what_another_role_queued(world: World, bound: str) -> None:
    world.definition = f"{HERE}:Blind"
    await world.queue()
    worker = world.worker("--burst", DATABASE_URL=bound)
    assert await worker.wait() == 9, worker.output
    now = (await done(world, "status", "--json")).json
    assert "policy by_organisation" in now["pause_reason"]
    assert (now["updated"], now["calls_made"]) == (0, 0)


async def test_it_works_on_what_its_settings_show(world: World, bound: str) -> None:
    app = f"{HERE}:Sighted"
    checked = await ask(world, "check", "--sample=2", DATABASE_URL=bound, BACKFILL_APP=app)
    assert checked.code == 0, checked
    assert "keys        4, from 2 to 8" in checked.out
    assert "2 tried: 2 updated" in checked.out
    ran = await ask(world, "run", "--json", DATABASE_URL=bound, BACKFILL_APP=app)
    assert ran.code == 0, ran
    assert (ran.json["matched"], ran.json["updated"], ran.json["result"]) == (4, 4, {"seen": 4})
    assert await values(world) == {("7", "7"), ("seven", None)}


async def test_a_tenant_works_on_its_own_rows(world: World, bound: str) -> None:
    await world.execute(f"DROP POLICY by_organisation ON boxes; {OF_TENANT}")
    await world.execute("INSERT INTO backfill_tenants VALUES ('seven', 'public')")
    env = {"DATABASE_URL": bound, "BACKFILL_APP": f"{HERE}:OfTenant"}
    other = await ask(world, "run", **env)
    assert other.code == 6, other
    assert "this process is of tenant 'default'; run it with BACKFILL_TENANT=seven" in other.err
    ran = await ask(world, "run", "--json", **env, BACKFILL_TENANT="seven")
    assert ran.code == 0, ran
    assert (ran.json["matched"], ran.json["updated"], ran.json["result"]) == (5, 5, {"seen": 5})
    assert await values(world) == {("7", None), ("seven", "seven")}
