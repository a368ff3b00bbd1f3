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

SOON = 0.1  # all have heard of the beginning by then


async def started(url: str, limit: Limit, *, processes: int, **asked: Any) -> list[asyncio.subprocess.Process]:
    """So many processes, connected and ready to `begin`."""
    text = json.dumps({"name": "service", "limit": asdict(limit), **asked})
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.spenders", text, cwd=ROOT, env=os.environ | {"DATABASE_URL": url},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(processes)
    ]  # fmt: skip
    for process in running:
        assert process.stdout
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    return running


async def begin(*processes: asyncio.subprocess.Process) -> float:
    """Let them begin together; when that is."""
    moment = time.monotonic() + SOON
    for process in processes:
        assert process.stdin
        process.stdin.write(f"{moment}\n".encode())
        await process.stdin.drain()
    return moment


async def result(process: asyncio.subprocess.Process) -> Spent:
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return Spent.of(output.decode())


async def spent(url: str, limit: Limit, *, processes: int, **asked: Any) -> list[Spent]:
    """What so many processes do that begin together."""
    running = await started(url, limit, processes=processes, **asked)
    await begin(*running)
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


def quickest(times: Sequence[float], calls: int) -> float:
    """The highest rate of so many calls in a row; 0 where there are not so many."""
    spans = [later - one for one, later in zip(times, times[calls:], strict=False)]
    return calls / min(spans) if spans else 0.0


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
