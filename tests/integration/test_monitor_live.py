"""Somebody else's processes, watched by the real command while one is stopped and one is killed, to their end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Command
from tests.support.waiting import eventually

CREW = Path(__file__).parents[1] / "support" / "crew.py"
COUNT = 4
STOPPED, KILLED = 1, 3

PROFILE = f"""
title = "A crew"
workers = {COUNT}
stuck_after = "3s"
[[log]]
path = "load.log"
""" + "".join(f'[[process]]\npid_file = "worker-{number}.pid"\n' for number in range(COUNT))


@pytest.fixture
def crew(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, CREW, tmp_path, str(COUNT)], start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # they have finished
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


async def test_a_stopped_and_a_killed_worker_are_named_and_then_all_finish(
    tmp_path: Path, crew: "subprocess.Popen[bytes]"
) -> None:
    (tmp_path / "crew.toml").write_text(PROFILE)
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    await eventually(lambda: all((tmp_path / f"worker-{n}.pid").exists() for n in range(COUNT)), what="all workers")
    await eventually(lambda: (tmp_path / "load.log").stat().st_size > 2_000, what="some lines")
    watching = Command(
        tmp_path / "watch.out",
        env,
        "backfill",
        "monitor",
        "--profile",
        "crew.toml",
        "--watch=1",
        "--json",
        cwd=tmp_path,
    )
    try:

        def pid(number: int) -> int:
            return int((tmp_path / f"worker-{number}.pid").read_text())

        async def seen(what: str, *names: str, **of_report: str) -> dict[str, Any]:
            """The newest report, once it has these findings, and that state or level."""

            def has() -> dict[str, Any]:
                report = newest(watching)
                found = {one["name"] for one in report["findings"]}
                assert found >= set(names), report
                assert of_report.items() <= report.items(), report
                return report

            report: dict[str, Any] = await eventually(has, deadline=60, what=what)
            return report

        report = await seen("a crew at work", "running", level="ok")
        assert "0" in report["workers"][0]["names"]

        os.kill(pid(STOPPED), signal.SIGSTOP)

        def only_it() -> bool:  # where the machine stands still, all seem to have been stopped for a moment
            text = said(newest(watching), "worker_stalled")
            assert str(STOPPED) in text
            assert not any(f"worker {one}" in text for one in (0, 2)), text
            return True

        await eventually(only_it, deadline=60, what="a stopped worker")

        os.kill(pid(KILLED), signal.SIGKILL)
        report = await seen("a killed process", "process_gone")
        assert report["level"] == "critical"
        assert f"worker-{KILLED}.pid" in said(report, "process_gone")

        os.kill(pid(STOPPED), signal.SIGCONT)
        (tmp_path / "again").touch()
        await seen("a crew that is whole again", "running")
        (tmp_path / "go").touch()
        report = await seen("the end", state="finished")
        assert all(one["is_finished"] for one in report["workers"])
        assert await watching.wait() == 0  # there is nothing left to watch
        assert crew.wait(60) == 0
    finally:
        watching.close()


def newest(watching: Command) -> dict[str, Any]:
    lines = [line for line in watching.output.splitlines() if line.startswith("{") and line.endswith("}")]
    assert lines, watching.output
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def said(report: dict[str, Any], name: str) -> str:
    """The sentence of a finding, with its evidence."""
    return " ".join(" ".join([one["text"], *one["evidence"]]) for one in report["findings"] if one["name"] == name)
