"""One worker on the smallest example against the single `UPDATE` that does the same."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, ratios
from benchmarks.workloads import PEOPLE

NOTE = (
    "made-up names; each run on a fresh copy, read once, after a CHECKPOINT; SQL and worker in turns; ratios are those "
    "of the pairs; the job was queued before the worker started; each row is then held against what the UPDATE writes"
)


def measure(bench: Bench) -> Iterator[Figure]:
    names = bench.options.names
    by_sql, workers = [], []
    for _ in range(bench.options.runs):
        by_sql.append(bench.updated(names, PEOPLE))
        workers.append(bench.worked(names, workload=PEOPLE))
    seconds = tuple(worked.seconds for worked in workers)
    walls = tuple(worked.wall_seconds for worked in workers)
    yield Figure("plain", f"UPDATE, {names:,} names", "s", tuple(by_sql), note=NOTE)
    yield Figure("plain", "one worker, first claim to last commit", "s", seconds)
    yield Figure("plain", "SQL ÷ worker", "×", ratios(by_sql, seconds), at_least(1.0))
    yield Figure("plain", "one worker, the whole process", "s", walls)
    yield Figure("plain", "SQL ÷ whole process", "×", ratios(by_sql, walls))
    yield Figure("plain", "UPDATE, records", "/s", tuple(names / one for one in by_sql))
    yield Figure("plain", "one worker, records", "/s", tuple(names / one for one in seconds))
