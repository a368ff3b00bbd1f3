"""Processes that call within one limit, and what they did together."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from backfill.limit import Limit
from benchmarks.spenders import Spent
from tests.conftest import ROOT

START_SECONDS = 2.5  # of an interpreter, on a machine that has other things to do


async def started(url: str, limit: Limit, begin: float, **asked: Any) -> asyncio.subprocess.Process:
    """One more process."""
    text = json.dumps({"name": "service", "limit": asdict(limit), "begin": begin, **asked})
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.spenders", text,
        cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def result(process: asyncio.subprocess.Process) -> Spent:
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return Spent.of(output.decode())


async def spent(url: str, limit: Limit, *, processes: int, **asked: Any) -> list[Spent]:
    """What so many processes do that begin together."""
    begin = time.monotonic() + START_SECONDS
    running = [await started(url, limit, begin, **asked) for _ in range(processes)]
    return [await result(process) for process in running]


def begins(found: Sequence[Spent]) -> list[float]:
    return sorted(began for one in found for began, _ in one.calls)


def worst_window(times: Sequence[float], seconds: float = 1.0) -> int:
    """The most calls that began within a second."""
    worst, first = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] > seconds:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def most_at_once(found: Sequence[Spent]) -> int:
    """The most calls that were under way at one moment."""
    changes = sorted(
        (moment, step) for one in found for call in one.calls for moment, step in zip(call, (1, -1), strict=True)
    )
    most = now = 0
    for _, step in changes:
        now += step
        most = max(most, now)
    return most
