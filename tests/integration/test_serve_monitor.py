"""What the server shows of other backfills: the report of the command, in a process of its own, whoever asks."""

import asyncio
import os
from pathlib import Path
from typing import Any

import psutil

from backfill.web.models.monitor import MonitorView
from tests.support.serving import API, Served, body, serving, token
from tests.support.waiting import eventually
from tests.support.world import World

LINES = "".join(f"2026-11-26T15:{minute:02}:00Z Worker 9: {minute}.5% complete\n" for minute in range(60))
HOSTILE = "/nowhere/<script>alert(1)</script>[31m.log"


def profile(folder: Path, name: str, text: str) -> str:
    file = folder / f"{name}.toml"
    file.write_text(text)
    return str(file)


def looked(folder: Path) -> int:
    return len(list(folder.glob("looked-*")))


def load(folder: Path, name: str = "load", more: str = "") -> str:
    (folder / "load.log").write_text(LINES)
    return profile(folder, name, f'title = "A load"\n[[log]]\npath = "{folder}/load.log"\n{more}')


async def report(served: Served, name: str) -> Any:
    """The report of a profile; who asks while its first look is under way for long is told to ask again."""

    async def told() -> Any:
        answer = await served.client.get(f"{API}/monitor/{name}")
        assert answer.status_code != 503, answer.text
        return body(answer)

    return await eventually(told, what=f"a report of {name}")


async def test_a_profile_is_listed_and_its_report_is_that_of_the_command(world: World, tmp_path: Path) -> None:
    made = await token(world, role="read")
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    async with serving(world, "--monitor", load(tmp_path), token=made, **state) as served:
        assert (await served.get("/session"))["has_monitor"] is True
        await report(served, "load")
        (row,) = (await served.get("/monitor"))["items"]
        assert (row["name"], row["title"]) == ("load", "A load")
        found = await served.get("/monitor/load")
        assert {name: found[name] for name in row if name != "age_seconds"} == {
            name: value for name, value in row.items() if name != "age_seconds"
        }
        assert MonitorView.model_validate(found).profile == "load"
        assert "59.5" in str(found["workers"])
        assert found["sources"][0]["problems"] == []
        unknown = await served.get("/monitor/none", 404)
        assert "it has load" in unknown["detail"]
        assert await served.get("/monitor/load", 401, headers={"Authorization": "Bearer bf_wrong"})


async def test_a_look_is_shared_and_is_made_again_only_after_a_while(world: World, tmp_path: Path) -> None:
    counted = f"touch {tmp_path}/looked-$$; echo 7"
    (tmp_path / "count.sh").write_text(counted)
    given = profile(tmp_path, "count", f'[[command]]\nrun = "sh {tmp_path}/count.sh"\nmeasures = "rows"\n')
    async with serving(world, "--monitor", given, XDG_STATE_HOME=str(tmp_path / "state")) as served:
        found = await asyncio.gather(*(report(served, "count") for _ in range(8)))
        assert len({one["at"] for one in found}) == 1
        before = looked(tmp_path)
        assert await served.get("/monitor/count")
        assert looked(tmp_path) == before <= 2  # a second number of the same look gives the rate


UNREADABLE = {
    "nothing": ("", "unknown"),
    "log": (f'[[log]]\npath = "{HOSTILE}"\n', "source_failed"),
    "command": ('[[command]]\nrun = "false"\nmeasures = "rows"\n', "source_failed"),
    "sql": ('[[sql]]\ndatabase = "NO_SUCH_URL"\ntable = "things"\n', "source_failed"),
}


async def test_what_cannot_be_read_is_a_report_that_says_so(world: World, tmp_path: Path) -> None:
    given = [f"--monitor={profile(tmp_path, name, text)}" for name, (text, _) in UNREADABLE.items()]
    async with serving(world, *given, XDG_STATE_HOME=str(tmp_path / "state")) as served:
        for name, (_, said) in UNREADABLE.items():
            found = await report(served, name)
            assert found["state"] == "unknown", name
            assert said in {one["name"] for one in found["findings"]}, name


async def test_a_profile_that_is_broken_while_the_server_runs_is_told(world: World, tmp_path: Path) -> None:
    given = load(tmp_path)
    async with serving(world, "--monitor", given, XDG_STATE_HOME=str(tmp_path / "state")) as served:
        assert profile(tmp_path, "load", "not = = toml") == given
        found = await report(served, "load")
        assert (found["state"], found["level"]) == ("unknown", "unknown")
        assert "is not TOML" in found["headline"]
        assert found["next"] == [f"see for yourself with: backfill monitor --profile {given}"]


async def test_a_profile_that_is_not_there_starts_no_server(world: World, tmp_path: Path) -> None:
    command = world.spawn("backfill-serve", "--port=0", "--monitor", str(tmp_path / "none.toml"), env=world.env)
    world.commands.append(command)
    assert await command.wait() == 3
    assert "there is no profile" in command.output
    assert "Traceback" not in command.output


async def test_a_look_ends_with_the_server(world: World, tmp_path: Path) -> None:
    given = profile(
        tmp_path, "slow", f'[[command]]\nrun = "sleep 97.{os.getpid()}"\nmeasures = "rows"\ntimeout = "80s"\n'
    )

    def sleeping() -> list[Any]:
        found = (one.info["cmdline"] or [] for one in psutil.process_iter(["cmdline"]))
        return [one for one in found if f"97.{os.getpid()}" in one and one[0].endswith("sleep")]

    async def is_under_way() -> bool:
        return bool(sleeping())

    async def is_over() -> bool:
        return not sleeping()

    async with serving(world, "--monitor", given, XDG_STATE_HOME=str(tmp_path / "state")) as served:
        call = asyncio.create_task(served.client.get("/api/v1/backfill/monitor"))
        await eventually(is_under_way)
        # It is nobody's wait but theirs.
        assert (await served.get("/session"))["name"] == "local"
        call.cancel()
    await eventually(is_over, deadline=30)  # of the 97 s that it would take
