"""Logs that a test writes, and one look at them."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from backfill.monitor.profile import LogSource, made
from backfill.monitor.readings import Reading, Remembered
from backfill.monitor.sources import logs
from tests.support.surroundings import surroundings

AT = 1_795_694_400.0  # 2026-11-26T12:00:00Z


def stamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(AT + second))


async def looked(
    folder: Path,
    path: str = "load.log",
    remembered: Remembered | None = None,
    now: float = AT + 3_600,
    all: bool = False,
    profile: dict[str, Any] | None = None,
    **where: Any,
) -> tuple[Reading, Remembered]:
    around = replace(surroundings(folder, now=lambda: now), **where)
    reading, kept = await logs.read(
        LogSource(path=path, all=all), made({"timezone": "UTC", **(profile or {})}, "test"), around, remembered or {}
    )
    return reading, json.loads(json.dumps(kept))


def write(path: Path, *lines: str, end: str = "\n", at: float = AT + 3_600) -> None:
    path.write_text("".join(line + end for line in lines), newline="")
    os.utime(path, (at, at))


def problems(reading: Reading) -> list[str]:
    return [problem.text for problem in reading.problems]
