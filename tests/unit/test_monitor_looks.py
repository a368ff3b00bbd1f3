"""Looks of the server at its profiles: rare, few at a time, shared by all who ask, and never its end."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest

from backfill.errors import NotFoundError, UnreachableError, UsageError
from backfill.monitor import profile
from backfill.monitor.render.as_json import as_json
from backfill.web import look, looks
from backfill.web.child import most_of
from backfill.web.look import LookError, asked, plain
from backfill.web.looks import Looks, Watched
from tests.support.reports import attacked, bare, load
from tests.support.waiting import eventually


class Asked:
    """Looks that end when they are told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.under_way = 0
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.hanging: set[str] = set()

    async def __call__(self, profile: str, most: float) -> dict[str, Any]:
        assert most >= 90
        self.calls.append(profile)
        self.under_way += 1
        self.began.set()
        assert self.under_way <= looks.AT_ONCE
        try:
            await (asyncio.Event() if profile in self.hanging else self.go).wait()
            if self.error is not None:
                raise self.error
            return plain(as_json(load(title=profile)))
        finally:
            self.under_way -= 1


@pytest.fixture
def asking() -> Asked:
    return Asked()


@pytest.fixture
def server(asking: Asked) -> Looks:
    return Looks({name: Watched(name, name.upper(), f"{name}.toml") for name in ("a", "b")}, asking)


async def test_all_who_ask_at_once_share_one_look(server: Looks, asking: Asked) -> None:
    asking.go.set()
    found = await asyncio.gather(*(server.of("a") for _ in range(20)))
    assert asking.calls == ["a.toml"]
    assert {(one.report or {})["title"] for one in found} == {"a.toml"}


async def test_a_look_is_made_again_only_when_the_newest_is_old(server: Looks, asking: Asked) -> None:
    asking.go.set()
    await server.of("a")
    await server.of("a")
    assert len(asking.calls) == 1
    server.watched["a"].ended = float("-inf")
    await server.of("a")
    assert len(asking.calls) == 2


def of_names(asking: Asked, *names: str) -> Looks:
    return Looks({name: Watched(name, name.upper(), f"{name}.toml") for name in names}, asking)


async def test_of_many_profiles_few_are_looked_at_at_once(asking: Asked) -> None:
    asking.go.set()
    names = [f"p{n}" for n in range(10)]
    assert [one.name for one in await of_names(asking, *names).all()] == names
    assert asking.calls == [f"{name}.toml" for name in names]


async def test_a_profile_that_hangs_holds_up_no_other(asking: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LIST_SECONDS", 0.05)
    server = of_names(asking, "hang", "slow", "fast")
    asking.go.set()
    asking.hanging = {"hang.toml", "slow.toml"}
    for name in ("hang", "slow"):
        server.watched[name].took = 80.0
    async with asyncio.timeout(5):  # less than a caller waits
        assert [one.report is None for one in await server.all()] == [True, True, False]
        assert (await server.of("fast")).report is not None
    assert sorted(asking.calls) == ["fast.toml", "hang.toml"]  # the slow ones wait for each other
    await server.close()


async def test_a_list_is_there_as_soon_as_it_says_something(asking: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LIST_SECONDS", 0.01)
    server = of_names(asking, "hang", "fast")
    asking.hanging = {"hang.toml"}
    listing = asyncio.create_task(server.all())
    await asyncio.wait([listing], timeout=0.1)
    assert not listing.done()
    asking.go.set()
    async with asyncio.timeout(5):
        assert [one.report is None for one in await listing] == [True, False]
    await server.close()


def test_a_look_that_took_long_is_not_due_as_soon() -> None:
    one = Watched("a", "A", "a.toml", report={}, ended=monotonic() - 60)
    assert one.is_due
    one.took = 80.0
    assert not one.is_due


async def test_who_asks_does_not_wait_for_ever(server: Looks, asking: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "WAIT_SECONDS", 0.01)
    with pytest.raises(UnreachableError, match="the first look at a is still under way"):
        await server.of("a")
    assert [one.report for one in await server.all()] == [None, None]
    asking.go.set()
    monkeypatch.setattr(looks, "WAIT_SECONDS", 5.0)
    first = (await server.of("a")).report
    monkeypatch.setattr(looks, "WAIT_SECONDS", 0.01)
    server.watched["a"].ended = float("-inf")
    asking.go.clear()
    old = await server.of("a")
    assert old.report is first
    assert old.age_seconds is not None
    await server.close()
    assert asking.under_way == 0


@pytest.mark.parametrize("error", [LookError("it broke"), OSError("it broke"), RuntimeError("it broke")])
async def test_a_look_that_fails_is_a_report_that_says_so(server: Looks, asking: Asked, error: Exception) -> None:
    asking.error = error
    asking.go.set()
    report = (await server.of("a")).report
    assert report is not None
    assert (report["state"], report["level"]) == ("unknown", "unknown")
    assert "it broke" in report["headline"]
    assert report["next"] == ["see for yourself with: backfill monitor --profile a.toml"]
    asking.error = None
    server.watched["a"].ended = float("-inf")
    assert ((await server.of("a")).report or {})["state"] == "running"


async def test_a_caller_that_goes_away_ends_no_look(server: Looks, asking: Asked) -> None:
    call = asyncio.create_task(server.of("a"))
    await asking.began.wait()
    call.cancel()
    asking.go.set()
    assert (await server.of("a")).report is not None
    assert len(asking.calls) == 1


async def test_a_closed_server_begins_no_look(server: Looks, asking: Asked) -> None:
    await server.close()
    with pytest.raises(UnreachableError):
        await server.of("a")
    assert asking.calls == []


async def test_an_unknown_name_is_refused_with_those_that_there_are(server: Looks) -> None:
    with pytest.raises(NotFoundError, match="shows no profile 'c'; it has a, b"):
        await server.of("c")
    with pytest.raises(NotFoundError, match="start the server with --monitor PROFILE"):
        await Looks().of("c")


def test_profiles_are_read_when_the_server_starts(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "load.toml").write_text('title = "A load"\n')
    first, second = (str(tmp_path / folder / "load.toml") for folder in ("one", "two"))
    assert looks.given([first]).watched["load"].title == "A load"
    with pytest.raises(UsageError, match="two profiles are named 'load'"):
        looks.given([first, second])
    with pytest.raises(NotFoundError):
        looks.given([str(tmp_path / "none.toml")])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "PROGRAM", "tests.support.look")


@pytest.mark.usefixtures("stand_in")
async def test_a_look_is_a_process_of_its_own() -> None:
    assert await asked("report", 30) == plain(as_json(load()))


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("mistake", r"^there is no profile 'x'; write one$"),
        ("flood", r"exit code 0 and no report: y+"),
        ("killed", r"exit code -9 and no report: it said nothing"),
        ("other", r"exit code 0 and no report"),
        ("broken", r"exit code 1 and no report: Error: \\x1b\[31mbroken"),
    ],
)
async def test_what_is_no_report_is_told_as_what_it_is(what: str, why: str) -> None:
    with pytest.raises(LookError, match=why) as told:
        await asked(what, 30)
    assert len(str(told.value)) < 2_100


@pytest.mark.usefixtures("stand_in")
async def test_a_look_that_hangs_is_ended() -> None:
    with pytest.raises(LookError, match=r"not done after 0\.3 s, and was ended"):
        await asked("hang", 0.3)
    assert not [one for one in psutil.Process().children() if "hang" in one.cmdline()]


async def test_a_look_ends_with_its_server_whatever_ended_that(tmp_path: Path) -> None:
    profile = tmp_path / "hang.toml"
    profile.write_text('[[command]]\nrun = "sleep 83"\nmeasures = "rows"\ntimeout = 80\n')
    script = f"import asyncio; from backfill.web.look import asked; asyncio.run(asked({str(profile)!r}, 80))"
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", script, env=env, cwd=tmp_path)
    me = psutil.Process(server.pid)
    await eventually(lambda: len(me.children(recursive=True)) == 2, deadline=30, what="a look and its program")
    started = me.children(recursive=True)
    server.kill()
    await server.wait()
    try:
        await eventually(lambda: not any(map(psutil.Process.is_running, started)), deadline=20, what="the end of both")
    finally:
        for one in started:
            with suppress(psutil.NoSuchProcess):
                one.kill()


def test_a_look_may_take_as_long_as_its_sources() -> None:
    def most(**sources: Any) -> float:
        return look.seconds(profile.made(sources, "a test"))

    slow = {"run": "sleep 1", "measures": "rows", "timeout": 120}
    assert most() == most(log=[{"path": "a.log"}]) == 90
    assert most(command=[slow]) == 160
    assert most(command=[slow] * 17) == 290
    assert most(command=[slow | {"timeout": 3600}]) == 900


@pytest.mark.parametrize("report", [load(), bare(), attacked("<x>\ud800\n")])
def test_what_the_monitor_prints_is_what_the_api_describes(report: Any) -> None:
    found = plain(as_json(report))
    assert keys(found) == keys(as_json(report))
    assert found["stats"] == as_json(report)["stats"]


def keys(value: Any) -> Any:
    """Of everything within, at every depth."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items()}
    return [keys(one) for one in value] if isinstance(value, list) else None


async def test_of_what_a_process_prints_only_so_much_of_the_end_is_kept() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * 1_000_000 + b"the end")
    stream.feed_eof()
    assert await most_of(stream, 9) == b"xxthe end"
    assert await most_of(None, 9) == b""
