"""Ledger and protocol against the same worker without them."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import commands, marks, toolkit
from benchmarks.arena import SECONDS_A_RECORD, ready
from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most, ratios

NOTE = "the baseline takes the same messages and runs the same SQL and computation, without claim, fence and ledger"


def measure(bench: Bench) -> Iterator[Figure]:
    baselines, workers = [], []
    for _ in range(bench.options.runs):
        baselines.append(_baseline(bench))
        workers.append(bench.worked(bench.options.scale).seconds)
    more = tuple((ratio - 1) * 100 for ratio in ratios(workers, baselines))
    yield Figure("overhead", "worker without the protocol", "s", tuple(baselines), note=NOTE)
    yield Figure("overhead", "one worker", "s", tuple(workers))
    yield Figure("overhead", "more time", "%", more, at_most(10))


def _baseline(bench: Bench) -> float:
    records = bench.options.scale
    template = bench.arena.template("killmails", records)
    with bench.arena.site(template) as site, tempfile.TemporaryDirectory() as folder:
        toolkit.queue(site, toolkit.KILLMAILS, records)
        ready(site)
        commands.run(
            [sys.executable, "-m", "benchmarks.baseline", str(records)],
            site.environment | {marks.VARIABLE: folder},
            deadline=120 + records * SECONDS_A_RECORD,
        )
        progress = marks.read(Path(folder))
        assert progress.records == records, progress
        bench.check(site, template, records)
    bench.say(f"baseline, {records:,} records: {progress.seconds:.2f} s")
    return progress.seconds
