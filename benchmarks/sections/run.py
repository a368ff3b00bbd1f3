"""`backfill run`, which has no broker, against one worker that has one."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, ratios
from benchmarks.workloads import PEOPLE

NOTE = (
    "made-up names; each run on a fresh copy, read once, after a CHECKPOINT; in turns; ratios are those of the pairs; "
    "the worker's job was queued before it started, that of `backfill run` is planned meanwhile"
)


def measure(bench: Bench) -> Iterator[Figure]:
    names = bench.options.scale
    workers, runs = [], []
    for _ in range(bench.options.runs):
        workers.append(bench.worked(names, workload=PEOPLE))
        runs.append(bench.ran(names, PEOPLE))
    worker, run = (tuple(names / one.seconds for one in many) for many in (workers, runs))
    yield Figure("run", f"one worker, {names:,} names", "/s", worker, note=NOTE)
    yield Figure("run", "backfill run, planning too", "/s", run)
    yield Figure("run", "backfill run ÷ worker", "×", ratios(run, worker), at_least(0.9))
    yield Figure("run", "backfill run, the whole process", "s", tuple(one.wall_seconds for one in runs))
    yield Figure("run", "backfill run, peak memory", "MB", tuple(one.peak_bytes / 1e6 for one in runs))
