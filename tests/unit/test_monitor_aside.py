"""What hangs in a thread keeps neither a look, nor the others of it, nor the end of the process waiting."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backfill.monitor import aside
from backfill.monitor import look as looking
from backfill.monitor.look import look
from backfill.monitor.memory import Memory
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.readings import Reading, Remembered
from backfill.monitor.report import Report
from tests.support.surroundings import surroundings
from tests.support.waiting import eventually

HANGS = """
import asyncio, threading
from backfill.monitor import aside

async def main():
    aside.use()
    try:
        async with asyncio.timeout(0.1):
            await asyncio.to_thread(threading.Event().wait)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What all wait for who read a log; opened in the end."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def began(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The logs that are being read, each of which waits for the gate."""
    found: list[str] = []

    def wait(path: str) -> None:
        found.append(path)
        gate.wait(20)

    async def read(source: LogSource, _: Any, where: Any, __: Remembered) -> tuple[Reading, Remembered]:
        await asyncio.to_thread(wait, source.path)
        return Reading(f"log {source.path}", "log", where.now()), {}

    monkeypatch.setattr(looking.logs, "read", read)
    monkeypatch.setattr(looking, "MARGIN_SECONDS", 0.0)
    return found


async def test_a_process_ends_though_a_thread_of_it_hangs() -> None:
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=20
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "left\n", "")


async def test_what_a_thread_raises_or_returns_comes_back() -> None:
    aside.use()
    assert await asyncio.to_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await asyncio.to_thread(divmod, 7, 0)


async def test_no_source_waits_for_the_thread_of_another(
    tmp_path: Path, began: list[str], gate: threading.Event
) -> None:
    where = surroundings(tmp_path)
    names = [f"{number}.log" for number in range(looking.AT_ONCE)]
    task = asyncio.create_task(look(Profile(log=[LogSource(path=one) for one in names]), where, Memory()))
    await eventually(lambda: sorted(began) == sorted(names), what="all of them at once")
    gate.set()
    await task


async def test_a_watch_asks_no_second_time_what_still_hangs(
    tmp_path: Path, began: list[str], gate: threading.Event
) -> None:
    where = surroundings(tmp_path, read_seconds=0.05)
    profile = Profile(log=[LogSource(path="a.log")])

    async def told() -> list[str]:
        report: Report = (await look(profile, where, Memory()))[0]
        return report.sources[0].problems

    before = time.monotonic()
    first = await told()
    assert first == ["log a.log told nothing within 0 s; see whether a disk or a network hangs"]
    for _ in range(3):
        again = await told()
        assert again == ["log a.log is still being read since an earlier look; see whether a disk or a network hangs"]
    assert (began, time.monotonic() - before < 5) == (["a.log"], True)
    gate.set()
    await eventually(lambda: all(one.done() for left in looking._left.values() for one in left))
    assert await told() == []
    assert began == ["a.log", "a.log"]
