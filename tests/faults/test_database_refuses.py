"""PostgreSQL answers and says no: to a login, to a role, to a statement that takes long, to everything that writes."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import pytest

from backfill import route
from backfill.errors import UnreachableError
from backfill.producers.command import main as queue
from tests.support.logins import as_role
from tests.support.operating import ask, completed, queued, working
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"


@dataclass(frozen=True)
class Role:
    """A role that logs in, made for one test."""

    name: str
    url: str


@pytest.fixture
async def role(world: World) -> AsyncIterator[Role]:
    name = f"login_{secrets.token_hex(4)}"
    await world.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'one'")
    await world.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    await world.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}")
    yield Role(name, as_role(world.database, name, "one"))
    await world.execute(SESSIONS, name)
    await world.execute(f"DROP OWNED BY {name}")
    await world.execute(f"DROP ROLE {name}")


async def under_way(world: World) -> None:
    await world.rows(100)
    await queued(world, "--mode=all", "--batch-size=5")
    await world.execute("UPDATE backfill_jobs SET pause_ms = 500")


async def test_a_password_that_is_changed_is_waited_for(world: World, role: Role) -> None:
    await under_way(world)
    said: list[str] = []
    async with working(world, DATABASE_URL=role.url, say=said.append):
        await completed(world, 2)
        await world.execute(f"ALTER ROLE {role.name} PASSWORD 'two'")
        await world.execute(SESSIONS, role.name)
        await eventually(lambda: any("did not answer" in line for line in said), interval=0.01)
        await world.execute(f"ALTER ROLE {role.name} PASSWORD 'one'")
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
        await world.until_ended()
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_a_password_that_stays_refused_ends_the_worker_with_a_sentence(
    world: World, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "ROTATION_SECONDS", 0.5)
    await under_way(world)

    async def worked() -> None:
        async with working(world, DATABASE_URL=role.url):
            await completed(world, 2)
            await world.execute(f"ALTER ROLE {role.name} PASSWORD 'two'")
            await world.execute(SESSIONS, role.name)
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as ended:
        await worked()
    assert ended.group_contains(UnreachableError, match="refuses the login .* correct DATABASE_URL")
    assert len(ended.value.exceptions) == 1
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await world.finish()
    await world.ends_well()


async def test_rights_that_are_taken_away_end_the_worker_with_a_sentence(world: World, role: Role) -> None:
    await under_way(world)
    worker = world.worker("--concurrency=2", DATABASE_URL=role.url)
    await completed(world, 2)
    await world.execute(f"REVOKE ALL ON backfill_partitions FROM {role.name}")
    assert await worker.wait() == 6, worker.output
    errors = [line for line in worker.output.splitlines() if line.startswith("error: ")]
    (error,) = errors
    denied = "error: permission denied for table backfill_partitions; grant it to the role of DATABASE_URL: "
    assert error.startswith(denied), worker.output
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
    await world.finish()
    await world.ends_well()


async def test_a_role_with_hardly_any_time_is_told_so(world: World, role: Role) -> None:
    await world.rows(20_000)
    await world.execute(f"ALTER ROLE {role.name} SET statement_timeout = '1ms'")
    answer = await ask(world, "--mode=all", command=queue, DATABASE_URL=role.url)
    assert answer.code == 5, answer
    errors = [line for line in answer.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    # Seldom the error meets asyncpg's next message on its way, and asyncpg says that it has lost count.
    assert "cut a statement off" in errors[0] or "another operation" in errors[0]
    await world.ends_well()


async def test_a_role_with_too_few_connections_is_told_how_to_go_on(world: World, role: Role) -> None:
    await world.rows(10)
    await world.execute(f"ALTER ROLE {role.name} CONNECTION LIMIT 1")
    answer = await ask(world, "--mode=all", command=queue, DATABASE_URL=role.url)
    assert answer.code == 5, answer
    assert f"go on with backfill-queue --resume {await world.job()}" in answer.err
    assert "too many connections for role" in answer.err
    await world.execute(f"ALTER ROLE {role.name} CONNECTION LIMIT -1")
    await world.execute("UPDATE backfill_jobs SET producer_lease_until = NULL")
    assert (await ask(world, "--resume=latest", command=queue, DATABASE_URL=role.url)).code == 0
    await world.finish()
    await world.ends_well()


async def test_a_server_that_only_reads_is_waited_for_and_said_once(world: World) -> None:
    await under_way(world)
    name = urlsplit(world.database).path[1:]
    said: list[str] = []
    async with working(world, concurrency=3, say=said.append):
        await completed(world, 2)
        await world.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await world.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'worker %'"
        )
        await eventually(lambda: any("read-only" in line for line in said), interval=0.01)
        answer = await ask(world, "--mode=all", command=queue)
        assert (answer.code, "is read-only" in answer.err, len(answer.err.splitlines())) == (5, True, 1), answer
        await world.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await world.execute("UPDATE backfill_jobs SET pause_ms = 0")
        # The sessions that began meanwhile only read, for as long as they last.
        await world.until_ended()
    assert len([line for line in said if "read-only" in line]) <= 2, said
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 100
    await world.ends_well()


async def test_of_several_hosts_the_one_that_writes_is_taken(world: World) -> None:
    parts = urlsplit(world.database)
    login, _, host = parts.netloc.rpartition("@")
    several = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:9,{host}", query="target_session_attrs=read-write"))
    answer = await ask(world, "list", DATABASE_URL=several)
    assert (answer.code, answer.out) == (0, "No jobs.\n"), answer
    await world.ends_well()
