"""One look asks all at once, waits for none for ever, and reports what went wrong with one beside the rest."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backfill.monitor import look as looking
from backfill.monitor.logs.looking import Look
from backfill.monitor.look import look
from backfill.monitor.memory import Memory
from backfill.monitor.profile import JobSource, LogSource, Profile, SqlSource
from backfill.monitor.readings import Measure, Reading, Remembered
from backfill.monitor.surroundings import Surroundings
from tests.support.surroundings import surroundings

Told = tuple[Reading, Remembered]


@pytest.fixture
def where(tmp_path: Path) -> Surroundings:
    return surroundings(tmp_path)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., Awaitable[Told]]]:
    """What each kind of source does; it is looked up at each look."""
    made: dict[str, Callable[..., Awaitable[Told]]] = {}

    def reads(kind: str) -> Callable[..., Awaitable[Told]]:
        async def read(*given: Any) -> Told:
            return await made[kind](*given)

        return read

    for kind, module in {"log": looking.logs, "sql": looking.queries, "job": looking.jobs}.items():
        monkeypatch.setattr(module, "read", reads(kind))
    return made


def telling(name: str, kind: str, **told: Any) -> Callable[..., Awaitable[Told]]:
    async def read(_: Any, __: Profile, where: Surroundings, remembered: Remembered) -> Told:
        return Reading(name, kind, where.now(), **told), {"times": remembered.get("times", 0) + 1}

    return read


async def test_what_hangs_and_what_has_a_bug_are_problems_beside_the_rest(
    where: Surroundings,
    sources: dict[str, Callable[..., Awaitable[Told]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def hangs(*_: Any) -> Told:
        await asyncio.Event().wait()
        raise AssertionError

    async def breaks(*_: Any) -> Told:
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(looking, "MARGIN_SECONDS", 0.05)
    sources["sql"], sources["job"] = hangs, breaks
    sources["log"] = telling("log a", "log", measures={Measure.ROWS: 5})
    profile = Profile(log=[LogSource(path="a")], sql=[SqlSource(query="q", timeout=0.05)], job=[JobSource()])
    memory = Memory()
    async with asyncio.timeout(4):  # its own time is a tenth of a second
        for _ in range(2):
            report, memory = await look(profile, where, memory)
    told = {one.name: one.problems for one in report.sources}
    assert told["log a"] == []
    assert told["sql q"] == ["sql q told nothing within 0 s; see whether a disk or a network hangs"]
    assert told["job latest"] == [
        "job latest could not be read: ZeroDivisionError: by\\nzero; this is a mistake of ours: report it"
    ]
    assert [one.levelno for one in caplog.records] == [logging.ERROR]  # once, however often one looks
    (kept,) = [one for one in memory.sources.values() if one]
    assert kept == {"times": 2}


async def test_all_are_asked_at_once(where: Surroundings, sources: dict[str, Callable[..., Awaitable[Told]]]) -> None:
    asked = 0
    all_asked = asyncio.Event()

    async def meets(source: Any, *_: Any) -> Told:
        nonlocal asked
        asked += 1
        if asked == 3:
            all_asked.set()
        await all_asked.wait()
        return Reading(source.path, "log", where.now()), {}

    sources["log"] = meets
    async with asyncio.timeout(5):
        await look(Profile(log=[LogSource(path=one) for one in "abc"]), where, Memory())


async def test_the_time_for_logs_is_one_for_all_logs_of_a_look(where: Surroundings, monkeypatch) -> None:
    until: list[float | None] = []
    ended: list[float] = []

    def reads(self: Look, path: str, kept: Any) -> Any:
        until.append(self.where.read_until)
        while not self.is_time_up():
            time.sleep(0.001)
        ended.append(time.monotonic())
        raise PermissionError

    monkeypatch.setattr(looking, "AT_ONCE", 1)
    monkeypatch.setattr(Look, "file", reads)
    for name in "abc":
        (where.folder / name).touch()
    where = replace(where, read_seconds=0.5)
    began = time.monotonic()
    for names in ("abc", "a"):
        await look(Profile(log=[LogSource(path=one) for one in names]), where, Memory())
    first, second, third, later = until
    assert first == second == third != later
    assert began + 0.5 <= (first or 0) <= ended[2] < (first or 0) + 0.45


async def test_a_number_alone_is_read_again_for_its_rate(
    where: Surroundings, sources: dict[str, Callable[..., Awaitable[Told]]]
) -> None:
    clock = 1_800_000_000.0
    numbers = iter([100, 150, 450])

    async def counts(*_: Any) -> Told:
        nonlocal clock
        clock += 5
        return Reading("sql q", "sql", clock, measures={Measure.ROWS: next(numbers)}), {}

    sources["sql"] = counts
    moved = replace(where, now=lambda: clock)
    profile = Profile(sql=[SqlSource(query="q")])
    report, memory = await look(profile, moved, Memory(), gap=0.01)
    rate = {one.name: one.value for one in report.stats}["rate_per_minute"]
    assert rate == pytest.approx(600)
    assert [one.measures[Measure.ROWS] for one in memory.looks] == [100, 150]
    clock += 60
    await look(profile, moved, memory, gap=0.01)  # an earlier look is enough: it is read once
    with pytest.raises(StopIteration):
        next(numbers)


async def test_with_a_rate_from_elsewhere_or_without_a_gap_it_is_read_once(
    where: Surroundings, sources: dict[str, Callable[..., Awaitable[Told]]]
) -> None:
    times = 0

    async def counts(*_: Any) -> Told:
        nonlocal times
        times += 1
        minute = int(where.now() // 60)
        minutes = {minute - 2: 50, minute - 1: 50}
        return Reading("sql q", "sql", where.now(), measures={Measure.ROWS: 100}, minutes=minutes), {}

    sources["sql"] = counts
    profile = Profile(sql=[SqlSource(query="q")])
    await look(profile, where, Memory(), gap=5)
    sources["sql"] = telling("sql q", "sql", measures={Measure.ROWS: 1})
    await look(profile, where, Memory(), gap=0)
    assert times == 1


async def test_each_source_gets_back_what_it_remembered_and_no_other_does(
    where: Surroundings, sources: dict[str, Callable[..., Awaitable[Told]]]
) -> None:
    sources["log"] = telling("log", "log")
    _, memory = await look(Profile(log=[LogSource(path="a"), LogSource(path="b")]), where, Memory())
    _, memory = await look(Profile(log=[LogSource(path="b"), LogSource(path="c")]), where, memory)
    assert sorted(one["times"] for one in memory.sources.values()) == [1, 2]
    assert len(memory.sources) == 2
