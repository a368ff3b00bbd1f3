"""Every command and every SQL block of docs/runbook.md, run against a job in the situation that it is for."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from backfill.services import Services
from tests.conftest import environment as command_environment
from tests.support import broker, databases
from tests.support.commands import Command
from tests.support.runbook import ROOT, Block, Scene, blocks, environment, picture
from tests.support.situations import BASES, SITUATIONS, gate, rolled_up, until_in_hand
from tests.support.waiting import eventually
from tests.support.world import APPLICATION, AT_LOCKS, FAST, PATIENT, World, new_world

pytestmark = pytest.mark.long

Copy = Callable[[str], Awaitable[str]]
Stage = Callable[[str], AbstractAsyncContextManager[Scene]]

NO_JOB = UUID(int=0)
# What is stale here was made so, nothing becomes stale by itself; and whoever waits at the gate waits.


@pytest.fixture(scope="module")
async def role(services: Services) -> AsyncIterator[str]:
    """An operator's role: not the tables' owner, no superuser."""
    name = f"operator_{secrets.token_hex(6)}"
    await databases.execute(services.database_url, f"CREATE ROLE {name} IN ROLE pg_read_all_stats")
    yield name
    await databases.execute(services.database_url, f"DROP ROLE {name}")


@pytest.fixture(scope="module")
async def base(
    services: Services, template: str, role: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Copy]:
    """The name of a database for each base, made when it is first asked for."""
    made: dict[str, str] = {}
    async with AsyncExitStack() as stack:

        async def get(name: str) -> str:
            if name not in made:
                url = await stack.enter_async_context(databases.new_database(services.database_url, template=template))
                folder = tmp_path_factory.mktemp("base")
                await _build(name, url, services, folder)
                await databases.execute(
                    url,
                    f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
                    f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}",
                )
                made[name] = url.rpartition("/")[2]
                await eventually(lambda: _is_left(services.database_url, made[name]), what="nobody in the base")
            return made[name]

        yield get


async def _build(name: str, url: str, services: Services, folder: Path) -> None:
    assert services.management_url

    def spawn(command: str, *arguments: str, env: dict[str, str]) -> Command:
        return Command(folder / f"{secrets.token_hex(4)}.log", env, command, *arguments)

    with broker.new_vhost(services.amqp_url, services.management_url) as amqp:
        env = command_environment(url, amqp, services.management_url, folder)
        async with new_world(url, amqp, env, spawn) as world:
            world.definition = BASES[name].definition
            world.env |= PATIENT | AT_LOCKS  # the situation says which lease has ended
            await BASES[name].build(world)


async def _is_left(server: str, database: str) -> bool:
    """A template must have no sessions; those of a killed worker take a moment to end."""
    connection = await asyncpg.connect(server, timeout=10)
    try:
        sessions = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", database)
        return not sessions
    finally:
        await connection.close()


@pytest.fixture
def scene(
    services: Services, base: Copy, role: str, vhost: str, spawn: Callable[..., Command], tmp_path: Path
) -> Stage:
    """`async with scene("paused") as one`: a database of its own with a job in that situation."""

    @asynccontextmanager
    async def build(name: str) -> AsyncIterator[Scene]:
        situation = SITUATIONS[name]
        template = await base(situation.base)
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        for name in ("sql", "examples"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "market_prices.csv").write_text("type_id,sell\n670,10000\n")
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(databases.new_database(services.database_url, template=template))
            env = command_environment(url, vhost, services.management_url, tmp_path)
            world = await stack.enter_async_context(_existing(url, vhost, env, spawn))
            world.definition = BASES[situation.base].definition
            await situation.prepare(world)
            job = await world.job() if situation.queued else NO_JOB
            made = Scene(world, job, role, folder, environment(world) | situation.env)
            if situation.in_hand:
                made.release = await stack.enter_async_context(gate(world))
            if situation.worker is not None:
                made.worker = world.worker(*situation.worker)
            if situation.in_hand:
                await until_in_hand(world, 3)
            yield made

    return build


@asynccontextmanager
async def _existing(
    database: str, amqp: str, env: dict[str, str], spawn: Callable[..., Command]
) -> AsyncIterator[World]:
    """A world on a database that has its tables."""
    connection = await asyncpg.connect(database, timeout=10, server_settings={"application_name": APPLICATION})
    world = World(database, amqp, env | FAST | PATIENT | AT_LOCKS, spawn, connection)
    try:
        yield world
    finally:
        for command in world.commands:
            command.close()
        await connection.close(timeout=5)


@pytest.mark.parametrize("block", blocks(), ids=str)
async def test_the_block_does_what_the_page_says(block: Block, scene: Stage) -> None:
    assert block.situation, f"line {block.line}: a block needs a comment that names its situation"
    async with scene(block.situation) as one:
        outcome = await one.run(block.kind, block.text)
        await one.check(block, outcome)


@pytest.mark.parametrize("block", [block for block in blocks() if block.like], ids=str)
async def test_by_hand_comes_to_the_same_as_the_command(block: Block, scene: Stage) -> None:
    pictures = []
    for kind, text in ((block.kind, block.text), ("console", f"$ {block.like}")):
        async with scene(block.situation) as one:
            outcome = await one.run(kind, text)
            assert outcome.exit == 0, outcome.output
            await rolled_up(one.world)  # as whoever leads does each second
            pictures.append(await picture(one.world))
    assert pictures[0] == pictures[1]


async def test_without_a_tenant_nothing_is_visible(scene: Stage) -> None:
    async with scene("running") as one:
        blind = await one.sql("RESET app.current_tenant;\nSELECT id FROM backfill_jobs")
        assert blind.count == 0
        other = await one.sql("SET app.current_tenant = 'other';\nUPDATE backfill_jobs SET version = version + 1")
        assert other.count == 0
