"""The real command on a terminal, and in a pipe: what is drawn, how a watch ends, what a log cannot do to either."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from tests.support.commands import Command
from tests.support.terminal import shown
from tests.support.waiting import eventually

HOSTILE = (
    "\x1b]0;owned\x07\x1b[2J[link=https://evil.example]x[/link] \u202egnp.exe FATAL: killed <script>alert(1)</script>"
)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BACKFILL_", "DATABASE_"))}
    return inherited | {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    file = tmp_path / "load.log"
    file.write_text(f"{now} Worker 1: 61.2% complete\n{now} {HOSTILE}\n{now} Worker 1: 61.4% complete\n")
    return file


def finish(log: Path) -> None:
    with log.open("a") as file:
        file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} Worker 1: 100% complete\nAll workers finished\n")


async def test_a_terminal_is_drawn_on_and_a_log_does_not_rule_it(env: dict[str, str], log: Path) -> None:
    code, text = await shown("backfill", "monitor", "--log", str(log), env=env)
    assert code == 0, text
    assert "RUNNING" in text, repr(text)
    assert "\\u202egnp.exe" in text  # written out
    for bad in ("\x1b]0;", "\x1b[2J", "\u202e", "\x1b]8;"):
        assert bad not in text
    assert "[link=https://evil.example]x[/link]" in text  # no markup


async def test_markdown_json_and_html_hold_the_same_line_as_data(env: dict[str, str], log: Path) -> None:
    for words in (["--markdown"], ["--json"], ["--html", "-"], ["--check"]):
        command = Command(log.with_suffix(".out"), env, "backfill", "monitor", "--log", str(log), *words)
        assert await command.wait() == (2 if words == ["--check"] else 0), command.output
        assert not {"\x1b", "\x07", "\u202e"} & {*command.output}, command.output
        assert "<script>" not in command.output or "--html" not in words


async def test_a_watch_on_a_terminal_ends_when_all_is_done(env: dict[str, str], log: Path) -> None:
    finish(log)
    code, text = await shown("backfill", "monitor", "--log", str(log), "--watch", "1", env=env)
    assert code == 0, text
    assert "FINISHED" in text


def start(program: list[str], env: dict[str, str], out: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(program, env=env, stdin=subprocess.PIPE, stdout=out, stderr=out)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_watch_of_a_pipe_that_says_nothing_can_be_ended(
    env: dict[str, str], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    program = [str(Path(sys.executable).parent / "backfill"), "monitor", "--watch", "1", "-"]
    with (tmp_path / "out").open("wb") as out:
        watching = start(program, env, out)
    try:
        await eventually(lambda: (tmp_path / "out").read_text(), what="a first report")
        watching.send_signal(number)
        assert watching.wait(60) == code
        assert "Traceback" not in (tmp_path / "out").read_text()
    finally:
        watching.kill()
        watching.communicate()
