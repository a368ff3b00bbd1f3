"""How well several processes keep one limit on calls, and what that costs the database."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict

from backfill.limit import Limit
from benchmarks.bench import Bench
from benchmarks.commands import Command
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.spenders import Spent

PROCESSES = (1, 3, 6)
RATES = (50, 1_000)
SECONDS = 10.0
START_SECONDS = 3.0
NOTE = f"calls that take no time, enough callers in each process, {SECONDS:.0f} s; the worst second of all of them"


def measure(bench: Bench) -> Iterator[Figure]:
    for rate in RATES:
        for processes in PROCESSES:
            found = _spent(bench, rate, processes)
            times = sorted(began for one in found for began, _ in one.calls)
            reached = (len(times) - 1) / (times[-1] - times[0])
            asked = sum(one.asked for one in found) / SECONDS
            worst = _worst_second(times)
            name = f"{rate:,}/s, {processes} process{'es' if processes > 1 else ''}"
            bench.say(f"limit of {name}: {reached:,.1f}/s, at most {worst:,} in a second, {asked:,.1f} questions/s")
            yield Figure("limits", name, "/s", (reached,), at_least(round(rate * 0.95, 1)), note=NOTE)
            yield Figure(
                "limits", f"{name}, calls in the worst second", "/s", (float(worst),), at_most(rate * 1.05 + 1)
            )
            yield Figure("limits", f"{name}, questions to the ledger", "/s", (asked,))


def _spent(bench: Bench, rate: int, processes: int) -> list[Spent]:
    with bench.arena.site(bench.arena.template("plain_ids", 1)) as site, ExitStack() as stack:
        asked = {
            "name": "service",
            "limit": asdict(Limit(rate=rate)),
            "callers": max(20, rate // processes // 4),
            "seconds": SECONDS,
            "begin": time.monotonic() + START_SECONDS,
        }
        arguments = [sys.executable, "-m", "benchmarks.spenders", json.dumps(asked)]
        running = [stack.enter_context(Command(arguments, site.environment)) for _ in range(processes)]
        return [Spent.of(one.wait(START_SECONDS + SECONDS + 60).output) for one in running]


def _worst_second(times: list[float]) -> int:
    worst = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] > 1.0:
            first += 1
        worst = max(worst, last - first + 1)
    return worst
