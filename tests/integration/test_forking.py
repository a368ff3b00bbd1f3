"""A forked command is no other than the one that an interpreter of its own runs."""

import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.commands import Command
from tests.support.forking import Forked
from tests.support.waiting import eventually

ENV = {name: value for name, value in os.environ.items() if not name.startswith("BACKFILL_")} | {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "RABBITMQ_URL": "amqp://nobody@127.0.0.1:1/",
    "BACKFILL_APP": "tests.support.definitions:Counter",
    "NO_COLOR": "1",
}
EXECUTED = {"PYTHONNOUSERSITE": "1"}  # what an interpreter reads when it starts cannot be given to a fork


async def told(log: Path, env: Mapping[str, str], *words: str) -> tuple[int, str]:
    command = Command(log, env, *words)
    assert isinstance(command._process, Forked) == (env == ENV)
    return await command.wait(), command.output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["backfill", "settings", "--json"], 0),
        (["backfill-queue", "--batch-size=0"], 2),
        (["backfill", "list"], 5),
    ],
)
async def test_it_says_and_ends_the_same(tmp_path: Path, words: list[str], code: int) -> None:
    forked = await told(tmp_path / "forked", ENV, *words)
    assert forked == await told(tmp_path / "executed", ENV | EXECUTED, *words)
    assert forked[0] == code


async def test_it_is_killed_and_its_end_is_known(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # where it would be refused it might have ended already
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        worker = Command(tmp_path / "log", ENV | {"DATABASE_URL": url}, "backfill-worker")
        await eventually(lambda: "Prefetch:" in worker.output, what="the worker listening")
        assert worker.returncode is None
        assert os.getsid(worker.pid) == worker.pid
        worker.kill(signal.SIGKILL)
        assert await worker.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
