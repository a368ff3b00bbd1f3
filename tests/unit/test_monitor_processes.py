"""Processes that really run: which are meant, what is seen of them, and what is said of those that are gone."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backfill.monitor.profile import ProcessSource, Profile
from backfill.monitor.readings import Reading, Remembered
from backfill.monitor.sources import naming, processes
from tests.support.groups import AGAIN_AND_AGAIN, groups
from tests.support.surroundings import surroundings
from tests.support.waiting import eventually

Start = Callable[..., "subprocess.Popen[bytes]"]


async def ask(folder: Path, remembered: Remembered | None = None, **source: Any) -> tuple[Reading, Remembered]:
    return await processes.read(ProcessSource(**source), Profile(), surroundings(folder), remembered or {})


async def look(folder: Path, remembered: Remembered | None = None, **source: Any) -> Reading:
    return (await ask(folder, remembered, **source))[0]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program that is killed afterwards, and wait until it is that program."""
    ours = psutil.Process().cmdline()
    with groups(tmp_path) as begun:

        def begin(*command: str) -> "subprocess.Popen[bytes]":
            one = begun(*command)
            until = time.monotonic() + 10  # the kernel tells of an end of `exec` a moment before it shows the new words
            while psutil.Process(one.pid).cmdline() in ([], ours) and time.monotonic() < until:
                time.sleep(0.01)
            return one

        yield begin


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A program with a name that nothing else has; it writes to the file that it is told, for ever."""
    name = f"load-{secrets.token_hex(4)}.sh"
    (tmp_path / name).write_text('exec 7>>"${1:-/dev/null}"; ' + AGAIN_AND_AGAIN.format("echo line >&7"))
    return name


async def test_a_process_by_words_of_its_command_line(tmp_path: Path, start: Start, script: str) -> None:
    (tmp_path / "output").mkdir()
    one = start("bash", script, "output/rows.csv", "--password=geheim")
    await eventually(lambda: (tmp_path / "output/rows.csv").exists())
    reading, remembered = await ask(tmp_path, name=f"bash {script}")
    assert reading.processes is not None
    (found,) = reading.processes.found
    assert (found.pid, found.command) == (one.pid, f"bash {script} output/rows.csv --password=***")
    assert (found.is_stopped, reading.problems, reading.notes) == (False, [], [])
    assert found.started_at == pytest.approx(time.time(), abs=10)
    assert found.memory_bytes
    assert found.memory_bytes > 100_000
    assert found.cpu_percent is not None
    assert (found.open_files or 0) >= 4
    assert found.folder == str(tmp_path / "output")
    assert 0 < (found.free_bytes or 0) <= (found.disk_bytes or 0)
    assert (remembered["pid"], len(remembered["cpu"])) == (one.pid, 1)
    assert (reading.seen, reading.processes.sought) == ("1 process found", f"bash {script}")


async def test_the_use_of_a_cpu_is_since_the_last_look(tmp_path: Path, start: Start) -> None:
    mark = secrets.token_hex(4)
    one = start(sys.executable, "-c", "while True: pass", mark)
    used = psutil.Process(one.pid).cpu_times().user
    remembered: Remembered = {}

    async def busy() -> bool:  # a machine with other work may give it no time at once
        nonlocal remembered
        reading, remembered = await ask(tmp_path, name=mark)
        assert reading.processes is not None
        return (reading.processes.found[0].cpu_percent or 0) > 5

    await eventually(busy)
    assert psutil.Process(one.pid).cpu_times().user > used
    ((key, (seconds, at)),) = remembered["cpu"].items()
    long_ago = {**remembered, "cpu": {key: [seconds - 50, at - 100]}}
    reading = await look(tmp_path, long_ago, name=mark)
    assert reading.processes is not None
    assert reading.processes.found[0].cpu_percent == pytest.approx(50, abs=10)
    for damaged in ({"cpu": 5}, {"cpu": {key: "x"}}, {"pid": "x", "started": []}):
        assert (await look(tmp_path, damaged, name=mark)).problems == []


async def test_of_several_that_match_none_is_guessed(tmp_path: Path, start: Start, script: str) -> None:
    pids = sorted(start("bash", script).pid for _ in range(3))
    for every in (False, True):
        reading, remembered = await ask(tmp_path, name=script, all=every)
        assert reading.processes is not None
        assert sorted(one.pid for one in reading.processes.found) == pids
        assert reading.processes.is_every_one_meant == every
        assert "pid" not in remembered


async def becomes(pid: int, *command: str) -> None:
    """Wait until a process is what it is to be: before that it is a copy of what started it."""
    await eventually(lambda: psutil.Process(pid).cmdline() == [*command])


async def test_who_only_speaks_of_it_is_not_meant(tmp_path: Path, start: Start, script: str) -> None:
    speaking = [f"{program} {script}" for program in ("tail -f", "less", "grep", "vi")]
    for line in speaking:
        one = start("bash", "-c", 'exec -a "$0" sleep 60', line)
        await becomes(one.pid, line, "60")
    start("sh", "-c", f"sleep 65; : {script}")
    only_started = await look(tmp_path, name=script)
    assert only_started.processes is not None
    assert [one.command[:2] for one in only_started.processes.found] == ["sh"]
    one = start("timeout", "60", "bash", script)
    (child,) = await eventually(lambda: psutil.Process(one.pid).children())
    await becomes(child.pid, "bash", script)
    reading = await look(tmp_path, name=script)
    assert reading.processes is not None
    assert [found.command for found in reading.processes.found] == [f"bash {script}"]


def test_a_look_does_not_mean_itself_nor_what_started_it(tmp_path: Path) -> None:
    mark = secrets.token_hex(4)
    code = "import sys; from backfill.monitor.sources import naming; print(naming.matching(sys.argv[1]))"
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" "$2"; :', sys.executable, code, mark],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert naming.matching(f"{mark} {tmp_path}") == []


@pytest.mark.parametrize("error", [psutil.NoSuchProcess(1), FileNotFoundError("/proc/1/fd"), ProcessLookupError()])
@pytest.mark.parametrize("then", ["cmdline", "status", "open_files", "num_fds", "cwd"])
async def test_what_ends_at_any_moment_of_a_look_is_no_error(
    tmp_path: Path, start: Start, script: str, monkeypatch: pytest.MonkeyPatch, then: str, error: Exception
) -> None:
    start("bash", script)
    found, remembered = await ask(tmp_path, name=script)
    assert found.seen == "1 process found"

    def gone(*_: object) -> None:
        raise error

    for method in {then, "status"}:  # what has no command line any more is asked whether it is a zombie
        monkeypatch.setattr(psutil.Process, method, gone)
    reading = await look(tmp_path, remembered, name=script)
    assert (reading.problems, reading.notes) == ([], [])


def kind(line: str) -> str | None:
    return naming.kind(line.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("node /srv/load.js", "running"),
        ("bash load.sh", "running"),
        ("-bash -c load.sh", "starting"),
        ("/bin/sh -ec load.sh", "starting"),
        ("sudo node load.js", "starting"),
        ("/usr/bin/tail -f load.log", None),
        ("python /x/bin/backfill monitor --process load.js", None),
        ("python /x/bin/backfill serve --monitor load", None),
        ("python /x/bin/backfill-worker", "running"),
    ],
)
def test_kinds_of_command_lines(line: str, expected: str | None) -> None:
    assert kind(line) == expected


@pytest.mark.parametrize(
    ("wanted", "line", "matches"),
    [
        ("load.js", "node /srv/load.js --workers 24", True),
        ("node load.js", "node /srv/load.js", True),
        ("load", "node download.js", False),
        ("load.js", "node loadxjs", False),
        ("js node", "node load.js", False),
    ],
)
def test_words_are_whole_and_in_their_order(wanted: str, line: str, matches: bool) -> None:
    assert bool(naming.pattern(wanted).search(line)) == matches


async def test_one_that_has_gone_is_gone_and_its_pid_is_another_process(
    tmp_path: Path, start: Start, script: str
) -> None:
    one = start("bash", script)
    reading, remembered = await ask(tmp_path, pid=one.pid)
    assert reading.processes is not None
    assert len(reading.processes.found) == 1
    reused = await look(tmp_path, {**remembered, "started": remembered["started"] - 60}, pid=one.pid)
    assert reused.processes is not None
    assert (reused.processes.found, reused.notes) == (
        [], [f"pid {one.pid} is another process now: the one that was meant has ended"],
    )  # fmt: skip
    one.kill()
    one.wait()
    for source in ({"pid": one.pid}, {"name": script}):
        gone, kept = await ask(tmp_path, remembered, **source)
        assert gone.processes is not None
        assert (gone.processes.found, gone.seen, kept["pid"]) == ([], "0 processes found", one.pid)
    assert (await look(tmp_path, pid=-5)).notes == ["there is no process with pid -5"]


async def test_stopped_ones_and_zombies_are_told(tmp_path: Path, start: Start, script: str) -> None:
    one = start("bash", script)
    reading, remembered = await ask(tmp_path, name=script)
    one.send_signal(signal.SIGSTOP)
    await eventually(lambda: psutil.Process(one.pid).status() == psutil.STATUS_STOPPED)
    reading = await look(tmp_path, remembered, name=script)
    assert reading.processes is not None
    assert reading.processes.found[0].is_stopped
    assert reading.notes == [f"pid {one.pid} is stopped, by a signal or Ctrl-Z; let it go on: kill -CONT {one.pid}"]
    one.kill()
    await eventually(lambda: psutil.Process(one.pid).status() == psutil.STATUS_ZOMBIE)
    for source in ({"name": script}, {"pid": one.pid}):
        reading = await look(tmp_path, remembered, **source)
        assert reading.processes is not None
        assert reading.processes.found[0].is_stopped
        assert "(a zombie)" in reading.notes[0]


async def test_a_file_that_holds_the_pid(tmp_path: Path, start: Start, script: str) -> None:
    one = start("bash", script)
    file = tmp_path / "run.pid"

    async def problem() -> str:
        return (await look(tmp_path, pid_file="run.pid")).problems[0].text

    assert await problem() == "there is no file run.pid; start it, or correct pid_file"
    for text in ("", "none", "-5", "1e5", "9" * 5000, "\x1b[2J"):
        file.write_text(text)
        assert "no pid; correct pid_file" in await problem()
        assert "\x1b" not in await problem()
    file.unlink()
    file.mkdir()
    assert await problem() == "run.pid is no file; correct pid_file"
    file.rmdir()
    file.write_text(f"{one.pid}\n")
    reading, remembered = await ask(tmp_path, pid_file="run.pid")
    assert reading.processes is not None
    assert [found.pid for found in reading.processes.found] == [one.pid]
    os.utime(file, (time.time() - 3600, time.time() - 3600))
    assert "is another process now" in (await look(tmp_path, pid_file="run.pid")).notes[0]
    one.kill()
    one.wait()
    stale = await look(tmp_path, pid_file="run.pid")
    assert stale.notes == [f"there is no process with pid {one.pid}"]
    file.unlink()
    gone = await look(tmp_path, remembered, pid_file="run.pid")
    assert gone.processes is not None
    assert (gone.processes.found, gone.problems) == ([], [])


async def test_what_may_not_be_seen_is_not_known(
    tmp_path: Path, start: Start, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise psutil.AccessDenied

    start("bash", script)
    for name in ("open_files", "num_fds", "cwd"):
        monkeypatch.setattr(psutil.Process, name, refused)
    reading = await look(tmp_path, name=script)
    assert reading.processes is not None
    (found,) = reading.processes.found
    assert (found.open_files, found.folder, found.free_bytes, found.disk_bytes) == (None, None, None, None)
    assert "run this as the same user to see them" in reading.notes[0]


async def test_without_psutil_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    reading = await look(tmp_path, name="anything")
    assert reading.problems[0].text == "processes need psutil: pip install 'backfill-toolkit[monitor]'"


async def test_a_pid_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.pid")
    async with asyncio.timeout(3):
        (problem,) = (await look(tmp_path, pid_file="run.pid")).problems
    assert problem.text == "run.pid is no file; correct pid_file"
