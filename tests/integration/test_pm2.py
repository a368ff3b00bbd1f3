"""The file for PM2, under PM2 itself where that is installed; tests/unit/test_deploy.py looks at what it says."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.definitions import GATE
from tests.support.waiting import eventually
from tests.support.world import World, application

pytestmark = pytest.mark.long

FILE = Path(__file__).parents[2] / "deploy/pm2/ecosystem.config.js"
SCRIPTS = Path(sys.executable).parent
PM2 = shutil.which("pm2")
NAMES = ("backfill-worker_01", "backfill-worker_02")


@dataclass(frozen=True)
class Manager:
    """A PM2 of the test's own with our file."""

    folder: Path
    env: dict[str, str]

    async def ask(self, *arguments: str) -> str:
        assert PM2
        process = await asyncio.create_subprocess_exec(
            PM2, *arguments, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(90):
            output, _ = await process.communicate()
        return output.decode()

    async def workers(self) -> dict[str, Any]:
        """What PM2 knows of each, by name."""
        listed = (await self.ask("jlist")).splitlines()[-1]
        return {one["name"]: one for one in json.loads(listed)}

    async def all_run(self, *, but_not: int = 0) -> dict[str, int]:
        async def running() -> dict[str, int]:
            workers = await self.workers()
            assert {one["pm2_env"]["status"] for one in workers.values()} == {"online"}
            pids = {name: one["pid"] for name, one in workers.items()}
            assert but_not not in pids.values()
            return pids

        pids: dict[str, int] = await eventually(running, interval=0.3)
        assert sorted(pids) == list(NAMES)
        return pids

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    @property
    def log(self) -> str:
        return (self.folder / "pm2.log").read_text()


@asynccontextmanager
async def managed(world: World, folder: Path, arguments: str) -> AsyncIterator[Manager]:
    """Our file under PM2: all as it is shipped, but for what is of another machine."""
    text = FILE.read_text()
    for shipped, here in (
        ("const WORKERS = 4;", "const WORKERS = 2;"),
        ("'/srv/app'", f"'{Path.cwd()}'"),
        ("'/var/log/backfill'", f"'{folder}'"),
        ("`${FOLDER}/.venv/bin/backfill-worker`", f"'{SCRIPTS}/backfill-worker'"),
        ("`--metrics-port=94${number}`", f"'{arguments}'"),
    ):
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    (folder / "ecosystem.config.js").write_text(text)
    env = world.env | {"BACKFILL_APP": application(world.definition), "PM2_HOME": str(folder)}
    manager = Manager(folder, env)
    started: dict[str, Any] = {}
    try:
        said = await manager.ask("start", str(folder / "ecosystem.config.js"))
        assert "backfill-worker_02" in said, said
        started = await manager.workers()
        yield manager
    finally:
        await manager.ask("kill")
        for pid in {one["pid"] for one in started.values()} - {0}:  # of one that does not run: our own group
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def folder(services_folder: Path, tmp_path: Path) -> Path:
    made = services_folder / tmp_path.name  # a socket's path must be short
    made.mkdir()
    return made


async def test_pm2_drains_and_restarts_workers_and_no_record_is_lost(world: World, folder: Path) -> None:
    # Given two workers that hold all they can at the gate
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=2")
    async with world.session() as session, managed(world, folder, "--metrics-port=0") as manager:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        pids = await manager.all_run()

        async def held() -> bool:
            return (await world.partitions())["running"] >= 6

        # When one is killed, it comes back
        victim = pids["backfill-worker_01"]
        os.kill(victim, signal.SIGKILL)
        after = await manager.all_run(but_not=victim)
        assert after["backfill-worker_02"] == pids["backfill-worker_02"]
        await world.let_leases_end(victim)
        await eventually(held, what="both workers holding partitions")

        # And when both are told to stop, they finish what they hold
        stopping = asyncio.create_task(manager.ask("stop", "backfill"))
        await eventually(lambda: all("Stopping:" in manager.output(name) for name in NAMES))
        await session.execute("SELECT pg_advisory_unlock($1)", GATE)
        await stopping
        for name in NAMES:
            assert "Processed" in manager.output(name)
        assert "SIGKILL to" not in manager.log
        assert await world.value("SELECT count(*) FROM audit") >= 6
        assert {one["pm2_env"]["status"] for one in (await manager.workers()).values()} == {"stopped"}

        # Then the rest is done once they are back
        await manager.ask("start", "backfill")
        await world.until_ended()
        await manager.ask("stop", "backfill")
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


async def test_pm2_leaves_a_worker_alone_that_was_called_wrongly(world: World, folder: Path) -> None:
    async with managed(world, folder, "--no-such-option") as manager:

        async def ended() -> bool:
            return all(f"App [{name}:{n}] exited with code [2]" in manager.log for n, name in enumerate(NAMES))

        await eventually(ended, what="the end of both")
        await asyncio.sleep(3)  # far longer than the first pause before a restart
        for one in (await manager.workers()).values():
            assert (one["pid"], one["pm2_env"]["restart_time"]) == (0, 0), one["pm2_env"]["status"]


def test_node_reads_the_file_for_pm2_as_it_is_written() -> None:
    read = f"console.log(JSON.stringify(require({json.dumps(str(FILE))}).apps))"
    done = subprocess.run(["node", "-e", read], capture_output=True, text=True, timeout=60, check=True)
    apps = json.loads(done.stdout)

    assert [app["name"] for app in apps] == [f"backfill-worker_{number:02}" for number in range(1, 5)]
    assert [app["args"] for app in apps] == [f"--metrics-port={9400 + number}" for number in range(1, 5)]
    assert {app["script"] for app in apps} == {"/srv/app/.venv/bin/backfill-worker"}
    assert all(app["out_file"] == app["error_file"] == f"/var/log/backfill/{app['name']}.log" for app in apps)
