"""Programs are upgraded one by one, after `backfill init` of the new version: those of the version before go on."""

import signal

import pytest

from tests.support import before, databases
from tests.support.commands import Command
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return before.programs(tmp_path_factory.mktemp("before"))


async def ended(*commands: Command) -> None:
    for command in commands:
        assert await command.wait() == 0, command.output


async def test_programs_of_the_version_before_work_beside_new_ones(world: World, old: dict[str, str]) -> None:
    await world.rows(3_000)
    await ended(world.producer("--mode=null", "--batch-size=10", "--limit=1500", **old))
    await ended(world.worker("--max-records=200", **old), world.worker("--max-records=200"))
    first = str(await world.job())

    # Each steers what the other has opened
    await ended(world.run("backfill", "pause", first, "--reason=upgrade"))
    await ended(world.run("backfill", "status", first, **old), world.run("backfill", "resume", first, **old))
    await ended(world.worker("--burst", **old), world.worker("--burst"))
    await ended(world.producer("--mode=null", "--batch-size=10"))
    await ended(world.worker("--burst", **old))

    await ended(world.run("backfill", "status", "latest"), world.run("backfill", "list", **old))
    await world.finish()
    await world.ends_well()


async def test_a_job_that_only_new_programs_know_waits_for_them(world: World, old: dict[str, str]) -> None:
    """What docs/deploying.md says of priority low."""
    await world.rows(100)
    early = world.worker(**old)
    await eventually(lambda: "Prefetch:" in early.output, what="the worker of the version before")
    await ended(world.producer("--mode=null", "--batch-size=10", "--priority=low"))
    if "_queue_low" not in early.output:
        await eventually(lambda: "Cannot reconcile counter" in early.output, what="the old worker saying so")
        assert await world.state() == "pending"
    early.kill(signal.SIGTERM)
    await ended(early)
    await ended(world.worker("--burst"))
    await world.finish()
    await world.ends_well()


async def test_a_ledger_of_the_version_before_is_brought_up_to_date(world: World, old: dict[str, str]) -> None:
    async with databases.new_database(world.database) as url:
        await ended(world.run("backfill", "init", "--roles", DATABASE_URL=url, BACKFILL_APP="", **old))
        early = world.run("backfill", "list", DATABASE_URL=url)
        assert await early.wait() == 6
        assert "run: backfill init" in early.output
        update = world.run("backfill", "init", DATABASE_URL=url)
        await ended(update)
        await ended(world.run("backfill", "list", DATABASE_URL=url))
        assert "run also: backfill init --roles" in update.output
        again = world.run("backfill", "init", DATABASE_URL=url)
        await ended(again)
        assert "--roles" not in again.output
