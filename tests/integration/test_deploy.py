"""The files in deploy/ as their own programs read them: supervisord, systemd, Kubernetes."""

import asyncio
import configparser
import os
import re
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
import yaml

from tests.support.commands import Command
from tests.support.definitions import GATE
from tests.support.waiting import eventually
from tests.support.world import World

pytestmark = pytest.mark.long

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPTS = Path(sys.executable).parent
KUBERNETES = "1.33"

SUPERVISORD = """
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}

[unix_http_server]
file={folder}/control

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{folder}/control

[include]
files={folder}/backfill.conf
"""

HOLD = """
    SELECT count(*) = 2 FROM (
        SELECT FROM backfill_partitions p JOIN backfill_workers w ON w.id = p.worker_id
        WHERE p.state = 'running' AND w.pid = ANY ($1) GROUP BY w.id HAVING count(*) >= 2
    ) AS each
"""


@dataclass(frozen=True)
class Supervisor:
    """A supervisord with our program file, and what it is asked."""

    process: Command
    folder: Path

    async def ask(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            SCRIPTS / "supervisorctl", "-c", self.folder / "supervisord.conf", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        return output.decode()

    async def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {
            name: int(pid) for name, pid in re.findall(r"(\S+) +RUNNING +pid (\d+)", await self.ask("status", "all"))
        }

    async def all_run(self, *, but_not: int = 0) -> dict[str, int]:
        async def running() -> dict[str, int]:
            pids = await self.pids()
            assert len(pids) == 2, pids
            assert but_not not in pids.values()
            return pids

        pids: dict[str, int] = await eventually(running, deadline=60, interval=0.3)
        return pids

    @property
    def log(self) -> str:
        return (self.folder / "supervisord.log").read_text()

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@asynccontextmanager
async def supervised(world: World, folder: Path) -> AsyncIterator[Supervisor]:
    """Our file under supervisord: all as it is shipped, but for what is of another machine."""
    shipped = configparser.RawConfigParser()
    shipped.read(DEPLOY / "supervisor/backfill.conf")
    program = shipped["program:backfill-worker"]
    program.pop("user")
    program["directory"] = str(Path.cwd())
    program["numprocs"] = "2"
    program["command"] = f"{SCRIPTS}/backfill-worker --metrics-port=0"
    program["stdout_logfile"] = f"{folder}/{Path(program['stdout_logfile']).name}"
    with (folder / "backfill.conf").open("w") as file:
        shipped.write(file)
    (folder / "supervisord.conf").write_text(SUPERVISORD.format(folder=folder))
    supervisor = Supervisor(world.run("supervisord", "-n", "-c", str(folder / "supervisord.conf")), folder)
    try:
        await eventually((folder / "control").exists)
        yield supervisor
    finally:
        pids = await supervisor.pids()
        supervisor.process.kill(signal.SIGTERM)  # it stops what it started
        try:
            await supervisor.process.wait(60)
        finally:
            for pid in pids.values():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


async def test_supervisord_drains_and_restarts_workers_and_no_record_is_lost(
    world: World, services_folder: Path, tmp_path: Path
) -> None:
    # Given two workers that hold all they can at the gate
    world.definition = "Gated"
    await world.rows(60)
    await world.queue("--mode=all", "--batch-size=2")
    folder = services_folder / tmp_path.name  # a socket's path must be short
    folder.mkdir()
    async with world.session() as session, supervised(world, folder) as supervisor:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        pids = await supervisor.all_run()

        # When one is killed, it comes back
        victim = pids["backfill-worker:backfill-worker_01"]
        os.kill(victim, signal.SIGKILL)
        after = await supervisor.all_run(but_not=victim)
        assert after["backfill-worker:backfill-worker_02"] == pids["backfill-worker:backfill-worker_02"]
        assert "exited: backfill-worker_01 (terminated by SIGKILL" in supervisor.log
        await world.let_leases_end(victim)

        async def hold() -> bool:
            return bool(await world.value(HOLD, [*after.values()]))

        await eventually(hold, what="both workers holding partitions")

        # And when both are told to stop, they finish what they hold
        stopping = asyncio.create_task(supervisor.ask("stop", "all"))
        names = ("backfill-worker_01", "backfill-worker_02")
        await eventually(lambda: all("Stopping:" in supervisor.output(name) for name in names))
        await session.execute("SELECT pg_advisory_unlock($1)", GATE)
        assert (await stopping).count("stopped") == 2
        for name in names:
            assert f"stopped: {name} (exit status 0)" in supervisor.log
            assert "Processed" in supervisor.output(name)
        assert await world.value("SELECT count(*) FROM audit") >= 8

        # Then the rest is done once they are back
        await supervisor.ask("start", "all")
        await world.until_ended()
        await supervisor.ask("stop", "all")
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == 60
    await world.finish()
    await world.ends_well()


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    units = sorted((DEPLOY / "systemd").iterdir())
    assert [unit.name for unit in units] == [
        "backfill-serve.service",
        "backfill-worker@.service",
        "backfill-workers.target",
    ]
    for unit in units:
        text = unit.read_text()
        if unit.suffix == ".service":
            assert "ExecStart=/srv/app/.venv/bin/" in text
            text = text.replace("/srv/app/.venv/bin", str(SCRIPTS))
        (tmp_path / unit.name).write_text(text)
    if analyze is None:  # its keys at least: tests/unit/test_deploy.py looks at the values
        for unit in units:
            parser = configparser.RawConfigParser(strict=False)
            parser.read(unit)
            assert set(parser.sections()) <= {"Unit", "Service", "Install"}
        return
    done = subprocess.run(
        [
            analyze,
            "verify",
            "--man=no",
            "backfill-serve.service",
            "backfill-worker@01.service",
            "backfill-workers.target",
        ],
        cwd=tmp_path,
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "backfill" in line]
    assert (done.returncode, said) == (0, []), done.stderr


def documents() -> list[Any]:
    return [
        pytest.param(document, id=f"{path.name}-{document['kind']}")
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("document", documents())
def test_kubernetes_takes_the_manifests(document: dict[str, Any]) -> None:
    if document["apiVersion"].startswith("keda.sh/"):  # not of Kubernetes itself: see below
        return
    import kubernetes_validate  # two seconds, which each process that collects the tests would take

    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_keda_scales_our_deployment_by_our_queues_up_to_a_limit() -> None:
    by_kind = {parameter.values[0]["kind"]: parameter.values[0] for parameter in documents()}
    scaled, login = by_kind["ScaledObject"], by_kind["TriggerAuthentication"]
    spec = scaled["spec"]

    assert {scaled["apiVersion"], login["apiVersion"]} == {"keda.sh/v1alpha1"}
    assert spec["scaleTargetRef"]["name"] == "backfill-worker"
    assert "replicas" not in next(
        p.values[0] for p in documents() if p.values[0]["metadata"].get("name") == "backfill-worker"
        and p.values[0]["kind"] == "Deployment"
    )["spec"]  # fmt: skip
    assert 1 <= spec["minReplicaCount"] < spec["maxReplicaCount"] <= 20
    for trigger in spec["triggers"]:
        assert trigger["type"] == "rabbitmq"
        assert trigger["authenticationRef"]["name"] == login["metadata"]["name"]
        assert trigger["metadata"]["mode"] == "QueueLength"
        assert int(trigger["metadata"]["value"]) > 0
        assert re.fullmatch(r"backfill_[a-z0-9_]+_queue(_high|_low)?", trigger["metadata"]["queueName"])
    (secret,) = login["spec"]["secretTargetRef"]
    assert secret == {"parameter": "host", "name": "backfill", "key": "RABBITMQ_URL"}
