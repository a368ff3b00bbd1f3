"""What is there, where nobody says: logs that grow, who writes them, and nothing at all."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backfill.errors import UsageError
from backfill.monitor import databases
from backfill.monitor.around import around
from backfill.monitor.profile import LogSource, ProcessSource, Profile
from backfill.services import ports, state
from tests.support.groups import AGAIN_AND_AGAIN, groups
from tests.support.surroundings import surroundings
from tests.support.waiting import eventually

Start = Callable[[str], "subprocess.Popen[bytes]"]
NOW = 1_800_000_000.0


def log(path: Path, age: float, text: str = "a line\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))


async def found(folder: Path, *, lasting: bool = False) -> Profile:
    return await around(surroundings(folder, now=lambda: NOW), lasting=lasting)


async def paths(folder: Path) -> list[str]:
    return [source.path for source in (await found(folder)).log]


async def test_where_there_is_nothing_nothing_is_found(tmp_path: Path) -> None:
    assert await found(tmp_path) == Profile()
    log(tmp_path / "logs/old.log", 90_000)
    log(tmp_path / "logs/empty.log", 10, "")
    log(tmp_path / "elsewhere/new.log", 10)
    log(tmp_path / "logs/new.txt", 10)
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "gone.log").symlink_to("nowhere")
    assert (await found(tmp_path)).sources == 0


async def test_the_newest_log_is_found_and_those_that_grow_with_it(tmp_path: Path) -> None:
    log(tmp_path / "logs/other.log", 50_000)
    log(tmp_path / "load.log", 40_000)
    assert await paths(tmp_path) == ["load.log"]
    log(tmp_path / "tmp/sync.log", 100)
    log(tmp_path / "log/fetch.log", 10)
    assert await paths(tmp_path) == ["log/fetch.log", "tmp/sync.log"]
    (tmp_path / "log/same.log").symlink_to("fetch.log")
    assert len(await paths(tmp_path)) == 2
    assert (await found(tmp_path)).title == "Backfill"


async def test_logs_of_workers_belong_together_also_those_that_have_ended(tmp_path: Path) -> None:
    for number, age in enumerate((10, 20, 30_000)):
        log(tmp_path / f"logs/worker_{number}.log", age)
    assert await paths(tmp_path) == [f"logs/worker_{number}.log" for number in range(3)]
    made = await found(tmp_path, lasting=True)
    assert (made.log, made.title) == ([LogSource(path="logs/worker_*.log", all=True)], "Backfill worker")
    for number in range(50):
        log(tmp_path / f"logs/worker_{number}.log", number)
    assert len(await paths(tmp_path)) == 32


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("load.log", "load.log"),
        ("load-2026-11-26T15:04.log", "load-*.log"),
        ("[1]*load.log", "[[]*][*]load.log"),
        ("20261126.log", "*.log"),
    ],
)
async def test_a_name_finds_its_file_and_a_lasting_one_those_behind_it(tmp_path: Path, name: str, pattern: str) -> None:
    log(tmp_path / "tmp" / name, 10)
    (source,) = (await found(tmp_path)).log
    assert finds(tmp_path, source) == [f"tmp/{name}"]
    (lasting,) = (await found(tmp_path, lasting=True)).log
    assert (lasting.path, lasting.all) == (f"tmp/{pattern}", False)
    assert finds(tmp_path, lasting) == [f"tmp/{name}"]


def finds(folder: Path, source: LogSource) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.glob(source.path)]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a line of shell in a group of its own, which ends with the test."""
    with groups(tmp_path) as begin:
        yield lambda line: begin("sh", "-c", line)


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A program that nobody else has; it prints for ever."""
    name = f"run_{secrets.token_hex(4)}.sh"
    (tmp_path / name).write_text(AGAIN_AND_AGAIN.format("echo line"))
    (tmp_path / "tmp").mkdir()
    return name


@pytest.mark.parametrize("line", ["exec bash {} > tmp/a.log", "bash {} | tee tmp/a.log > /dev/null"])
async def test_who_writes_a_log_is_found(tmp_path: Path, start: Start, script: str, line: str) -> None:
    written = tmp_path / "tmp/a.log"
    one = start(line.format(script))
    await eventually(lambda: written.exists() and written.stat().st_size)
    start("sleep 60 < tmp/a.log")  # reads it only
    made = await around(surroundings(tmp_path))
    (source,) = made.process
    assert source.pid is not None
    assert os.getpgid(source.pid) == one.pid
    assert psutil.Process(source.pid).cmdline() == ["bash", script]
    lasting = await around(surroundings(tmp_path), lasting=True)
    assert lasting.process == [ProcessSource(name=script)]


@pytest.mark.parametrize("line", ["exec bash {} > tmp/a.log", "bash {} | tee tmp/a.log > /dev/null"])
async def test_it_is_found_while_other_processes_come_and_go(
    tmp_path: Path, start: Start, script: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(line.format(script))
    written = tmp_path / "tmp/a.log"
    await eventually(lambda: written.exists() and written.stat().st_size)
    gone = start("exec sleep 60")
    ended, all_of_them = psutil.Process(gone.pid), psutil.process_iter
    gone.kill()
    gone.wait()
    monkeypatch.setattr(psutil, "process_iter", lambda: [ended, *all_of_them()])
    made = await around(surroundings(tmp_path), lasting=True)
    assert made.process == [ProcessSource(name=script)]


async def test_several_of_one_name_are_one_source(tmp_path: Path, start: Start, script: str) -> None:
    for number in range(3):
        start(f"exec bash {script} > tmp/a{number}.log")
    await eventually(lambda: len(list((tmp_path / "tmp").glob("a*.log"))) == 3)
    await eventually(lambda: all(path.stat().st_size for path in (tmp_path / "tmp").glob("a*.log")))
    for lasting in (False, True):
        made = await around(surroundings(tmp_path), lasting=lasting)
        assert made.process == [ProcessSource(name=script, all=True)]


async def test_without_a_log_a_name_in_this_folder_says_it(tmp_path: Path, start: Start) -> None:
    name = f"sync_{secrets.token_hex(4)}.sh"
    (tmp_path / name).write_text("sleep 60; :\n")
    assert (await around(surroundings(tmp_path))).process == []
    start(f"exec bash {name}")
    start("sleep 60")

    async def seen() -> bool:
        (source,) = (await around(surroundings(tmp_path), lasting=True)).process
        return source == ProcessSource(name=name)

    await eventually(seen)
    assert (await around(surroundings(tmp_path / "tmp_other"))).process == []


async def test_the_url_of_a_source(tmp_path: Path) -> None:
    where = surroundings(tmp_path, {"DATABASE_URL": "postgresql://h/a", "OTHER": "postgresql://h/b"})
    assert [await databases.url(name, where) for name in where.environ] == [*where.environ.values()]
    more = surroundings(tmp_path, {**where.environ, "BACKFILL_SCHEMA": "jobs", "BACKFILL_POOLED": "1"})
    assert "ledger_schema=jobs" in await databases.url("DATABASE_URL", more)
    assert await databases.url("OTHER", more) == "postgresql://h/b?pgbouncer=true"
    with pytest.raises(UsageError, match="no demo runs in this folder; start one with: make demo"):
        await databases.url("DEMO_DATABASE_URL", where)
    with pytest.raises(UsageError, match="MISSING is not set; set it to a URL such as postgresql://"):
        await databases.url("MISSING", where)


async def test_private_services_come_before_a_demo_and_the_newest_demo_that_answers_first(tmp_path: Path) -> None:
    home = tmp_path / "home"
    where = surroundings(tmp_path, {"BACKFILL_HOME": "home"})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        live = listening.getsockname()[1]
        for age, (name, port) in enumerate({"a": ports.free_block(1), "b": live, "c": live}.items()):
            folder = home / f"demo-{name}"
            folder.mkdir(parents=True)
            state.write_urls(folder, {"database_url": f"postgresql://127.0.0.1:{port}/{name}"})
            os.utime(folder / "urls.json", (time.time() - age, time.time() - age))
        for name in ("DATABASE_URL", "DEMO_DATABASE_URL"):
            assert (await databases.url(name, where)).endswith(f":{live}/b")
        (home / "services").mkdir()
        state.write_urls(home / "services", {"database_url": f"postgresql://127.0.0.1:{live}/services"})
        assert (await databases.url("DATABASE_URL", where)).endswith("/services")
        assert (await databases.url("DEMO_DATABASE_URL", where)).endswith("/b")
