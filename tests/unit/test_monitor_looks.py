"""Looks of the server at its profiles: rare, one at a time, shared by all who ask, and never its end."""

import asyncio
from pathlib import Path
from typing import Any

import psutil
import pytest

from backfill.errors import NotFoundError, UnreachableError, UsageError
from backfill.monitor.render.as_json import as_json
from backfill.web import look, looks
from backfill.web.child import most_of
from backfill.web.look import LookError, asked, plain
from backfill.web.looks import Looks, Watched
from tests.support.reports import attacked, bare, load


class Asked:
    """Looks that end when they are told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.under_way = 0
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, profile: str) -> dict[str, Any]:
        self.calls.append(profile)
        self.under_way += 1
        self.began.set()
        assert self.under_way == 1
        try:
            await self.go.wait()
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


async def test_a_look_is_made_again_only_when_the_newest_is_old(
    server: Looks, asking: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking.go.set()
    await server.of("a")
    await server.of("a")
    assert len(asking.calls) == 1
    monkeypatch.setattr(looks, "EVERY_SECONDS", 0.0)
    await server.of("a")
    assert len(asking.calls) == 2


async def test_looks_at_several_profiles_come_one_after_another(server: Looks, asking: Asked) -> None:
    asking.go.set()
    assert [one.name for one in await server.all()] == ["a", "b"]
    assert asking.calls == ["a.toml", "b.toml"]


async def test_who_asks_does_not_wait_for_ever(server: Looks, asking: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "WAIT_SECONDS", 0.01)
    with pytest.raises(UnreachableError, match="the first look at a is still under way"):
        await server.of("a")
    assert [one.report for one in await server.all()] == [None, None]
    asking.go.set()
    monkeypatch.setattr(looks, "WAIT_SECONDS", 5.0)
    first = (await server.of("a")).report
    monkeypatch.setattr(looks, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(looks, "EVERY_SECONDS", 0.0)
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
    assert await asked("report") == plain(as_json(load()))


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
        await asked(what)
    assert len(str(told.value)) < 2_100


@pytest.mark.usefixtures("stand_in")
async def test_a_look_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "LOOK_SECONDS", 0.3)
    with pytest.raises(LookError, match=r"not done after 0\.3 s, and was ended"):
        await asked("hang")
    assert not [one for one in psutil.Process().children() if "hang" in one.cmdline()]


@pytest.mark.parametrize("report", [load(), bare(), attacked("<x>\ud800\n")])
def test_what_the_monitor_prints_is_what_the_api_describes(report: Any) -> None:
    found = plain(as_json(report))
    assert found.keys() == as_json(report).keys()
    assert found["stats"] == as_json(report)["stats"]


async def test_of_what_a_process_prints_only_so_much_of_the_end_is_kept() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * 1_000_000 + b"the end")
    stream.feed_eof()
    assert await most_of(stream, 9) == b"xxthe end"
    assert await most_of(None, 9) == b""
