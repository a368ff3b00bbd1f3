"""The private services are real: they are started once, survive kill -9 and leave nothing behind."""

import asyncio
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import aio_pika
import asyncpg
import psutil
import pytest
from click.testing import CliRunner

from backfill import private
from backfill import services as own
from backfill.commands.services import services as command
from backfill.services import Services, account, process, state
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq, node
from tests.support import broker
from tests.support.waiting import eventually

pytestmark = pytest.mark.long


async def answer(database_url: str, amqp_url: str) -> str:
    """What a new client of both sees."""
    connection = await asyncpg.connect(database_url, timeout=10)
    version = await connection.fetchval("SHOW server_version")
    await connection.close()
    async with await aio_pika.connect(amqp_url, timeout=10):
        return str(version)


@pytest.fixture
def started(services_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for services of this test's own, whatever the environment gives to the others."""
    for variable in own.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    folder = services_folder / "life"
    yield folder
    own.down(folder, delete=True)


async def test_a_whole_life(started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_OURS", "secret-of-ours")
    # Given two commands that start the services at the same time
    script = "import pathlib, sys; from backfill.services import up; print(up(pathlib.Path(sys.argv[1])).database_url)"
    starters = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(started), stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    first, second = [(await starter.communicate())[0].decode().strip() for starter in starters]
    # Then both get the same pair, and so does everyone who asks again
    found = own.up(started)
    assert first == second == found.database_url
    assert private.answering(started) == {
        "database_url": found.database_url,
        "rabbitmq_url": found.amqp_url,
        "rabbitmq_management_url": found.management_url,
    }
    await answer(found.database_url, found.amqp_url)
    assert found.management_url
    assert broker.call(found.management_url, "GET", "/overview")["node"] == "backfill@localhost"

    # And the command agrees
    shown = CliRunner().invoke(command, ["up", "--folder", str(started), "--json", "--show-secrets"])
    assert [(entry["state"], entry["url"]) for entry in json.loads(shown.output)["services"]] == [
        ("running", found.database_url), ("running", found.amqp_url), ("running", found.management_url),
    ]  # fmt: skip

    # And nobody else can reach them: loopback only, and a password is asked for
    servers = state.read(started)
    postgres, rabbitmq = servers["postgres"], servers["rabbitmq"]
    assert isinstance(postgres, Postgres)
    assert isinstance(rabbitmq, Rabbitmq)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(found.database_url.replace(postgres.password, "wrong"), timeout=10)
    members = [psutil.Process(postgres.pid), *process.carrying(*node.mark(Path(rabbitmq.home)))]
    assert len(members) > 2, "the server, the node and its port mapper"
    assert exposed(members) == []

    # And they run without root's rights, know nothing of our environment, leave no core file and close theirs to others
    are_closed(members, Path(postgres.home), Path(rabbitmq.home))

    # When they are stopped, nothing of them is left
    assert own.down(started) == ["postgres", "rabbitmq"]
    assert all(map(process.ended, members))
    assert private.answering(started) == {}
    assert own.down(started) == []

    # And they come back where they were, with what they held; so does a node that an older version left to root
    if os.geteuid() == 0:
        account.give(Path(rabbitmq.home), "root")
        state.write(started, {**servers, "rabbitmq": replace(rabbitmq, runs_as=None)})
    assert own.up(started) == found
    await answer(found.database_url, found.amqp_url)
    node_now = state.read(started)["rabbitmq"]
    assert isinstance(node_now, Rabbitmq)
    assert 0 not in psutil.Process(node_now.pid).uids()

    # And when they are deleted, nothing of them is left in the system's memory either
    postgres = state.read(started)["postgres"]
    mapped = {one.path for one in psutil.Process(postgres.pid).memory_maps()}
    shared = [Path(one) for one in mapped if "/PostgreSQL." in one]
    assert shared
    own.down(started, delete=True)
    assert not any(one.exists() for one in shared)


async def test_kill_9_loses_nothing_that_was_confirmed(
    private_postgres: Postgres, private_rabbitmq: Rabbitmq, private_vhost: str
) -> None:
    connection = await asyncpg.connect(private_postgres.url, timeout=10)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    async with await aio_pika.connect(private_vhost, timeout=10) as client:
        channel = await client.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(
            aio_pika.Message(b"42", delivery_mode=aio_pika.DeliveryMode.PERSISTENT), "kept", timeout=10
        )
    await broker.queues_recorded()
    before = private_postgres.pid, private_rabbitmq.pid

    private_postgres.kill9()
    private_rabbitmq.kill9()
    assert not private_postgres.answers()
    assert not private_rabbitmq.answers()
    connection.terminate()
    private_postgres.start()
    private_rabbitmq.start()

    assert before != (private_postgres.pid, private_rabbitmq.pid)
    connection = await asyncpg.connect(private_postgres.url, timeout=10)
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.execute("DROP TABLE kept")
    await connection.close()
    async with await aio_pika.connect(private_vhost, timeout=10) as client:
        queue = await (await client.channel()).get_queue("kept")
        message = await eventually(lambda: queue.get(fail=False, timeout=10))
        assert message.body == b"42"
        await message.ack()
    assert "backfill@localhost" in private_rabbitmq.ctl("cluster_status")


async def test_every_test_has_a_database_and_a_virtual_host_of_its_own(
    services: Services, database: str, vhost: str
) -> None:
    connection = await asyncpg.connect(database, timeout=10)
    assert await connection.fetchval("SELECT count(*) FROM backfill_jobs") == 0
    await connection.close()
    assert await answer(database, vhost)
    assert database != services.database_url
    assert vhost != services.amqp_url


def are_closed(processes: list[psutil.Process], *homes: Path) -> None:
    """Nobody of them is root, has our secrets, or leaves what others could read."""
    for one in processes:
        assert 0 not in one.uids()
        assert "secret-of-ours" not in one.environ().values()
        assert re.search(r"core file size +0 +0 ", Path(f"/proc/{one.pid}/limits").read_text())
    for home in homes:
        assert {path.lstat().st_uid for path in (home, *home.rglob("*"))} == {processes[0].uids().real}
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [stat.S_IMODE(cookie.stat().st_mode) for cookie in homes[-1].glob("home/.erlang.cookie")] == [0o400]


def exposed(processes: list[psutil.Process]) -> list[str]:
    """Addresses beyond loopback on which any of the processes listens."""
    listening = [
        one.laddr.ip
        for process in processes
        for one in process.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    ]
    assert listening
    return [address for address in listening if not ip_address(address).is_loopback]
