"""The recorded incidents: `python -m tests.support.incidents` writes their logs and reports anew.

What it has written is to be read, as an operator would, and approved: does it say the right thing first?
"""

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from backfill.monitor.memory import Look
from backfill.monitor.pace import measured
from backfill.monitor.profile import Profile
from backfill.monitor.profiles import read
from backfill.monitor.readings import Reading, Remembered
from backfill.monitor.render.markdown import markdown
from backfill.monitor.report import Report
from backfill.monitor.sources import logs
from backfill.monitor.verdicts import judged
from tests.incidents.stories import STORIES
from tests.support.surroundings import surroundings

FOLDER = Path(__file__).parents[1] / "incidents"
READINGS = TypeAdapter(list[Reading])
LOOKS = TypeAdapter(list[Look])


@dataclass(frozen=True)
class Recorded:
    """The moment, what was there beside the log, what earlier looks had measured, and how a log was rotated."""

    now: float
    readings: list[Reading]
    looks: list[Look]
    rotated: dict[str, Any] | None


def names() -> list[str]:
    return sorted(path.parent.name for path in FOLDER.glob("*/profile.toml"))


def recorded(name: str) -> Recorded:
    found = json.loads((FOLDER / name / "readings.json").read_text())
    now = datetime.fromisoformat(found["now"]).timestamp()
    looks = [{"at": now - one.pop("ago"), "measures": one} for one in found.get("looks", [])]
    others = [{"at": now, **_times(one, now)} for one in found.get("readings", [])]
    return Recorded(now, READINGS.validate_python(others), LOOKS.validate_python(looks), found.get("rotated"))


def report(name: str) -> Report:
    """What is said of the incident."""
    return asyncio.run(_report(name))


async def _report(name: str) -> Report:
    what = recorded(name)
    with tempfile.TemporaryDirectory(prefix="incident-") as path:
        folder = Path(path)
        profile = read(str(FOLDER / name / "profile.toml"))
        remembered: Remembered = {}
        if what.rotated:
            remembered = await _before_rotation(name, profile, what.rotated, folder)
        for log in FOLDER.glob(f"{name}/*.log*"):
            if not (folder / log.name).exists():
                shutil.copy(log, folder / log.name)
            os.utime(folder / log.name, (what.now - 2, what.now - 2 - log.name.count(".")))
        where = surroundings(folder, now=lambda: what.now)
        told = [(await logs.read(source, profile, where, remembered))[0] for source in profile.log]
        readings = [*told, *what.readings]
        pace = measured(profile, readings, what.looks, what.now)
        return judged(profile, readings, pace, what.now)


async def _before_rotation(name: str, profile: Profile, how: dict[str, Any], folder: Path) -> Remembered:
    """A look at the old log while it was still the new one; then it is written to its end and renamed."""
    whole = (FOLDER / name / how["old"]).read_bytes()
    log = folder / how["log"]
    log.write_bytes(whole[: how["bytes"]])
    where = surroundings(folder, now=lambda: datetime.fromisoformat(how["now"]).timestamp())
    _, remembered = await logs.read(profile.log[0], profile, where, {})
    with log.open("ab") as stream:
        stream.write(whole[how["bytes"] :])
    log.rename(folder / how["old"])
    return remembered


def _times(reading: dict[str, Any], now: float) -> dict[str, Any]:
    """A process has been up for so long."""
    for process in (reading.get("processes") or {}).get("found", []):
        process["started_at"] = now - process.pop("up")
    return reading


def written(name: str) -> str:
    return re.sub(r"/\S*?/incident-\w+/", "", markdown(replace(report(name), profile=name)))


def main(wanted: list[str]) -> None:
    for name, story in STORIES.items():
        if not wanted or name in wanted:
            for file, text in story().items():
                (FOLDER / name / file).write_text(text)
            (FOLDER / name / "report.md").write_text(written(name))


if __name__ == "__main__":
    main(sys.argv[1:])
