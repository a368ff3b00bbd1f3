"""One worker against the single `UPDATE … FROM` that does the whole job."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, ratios

NOTE = (
    "each run on a fresh copy of the data, read once, after a CHECKPOINT; SQL and worker in turns; "
    "ratios are those of the pairs; the job was queued before the worker started"
)


def measure(bench: Bench) -> Iterator[Figure]:
    by_sql, workers, larger = [], [], []
    for _ in range(bench.options.runs):
        by_sql.append(bench.updated(bench.options.scale))
        workers.append(bench.worked(bench.options.scale))
        larger.append(bench.worked(bench.options.scale, "--batch-size=2000").seconds)
    seconds = tuple(worked.seconds for worked in workers)
    walls = tuple(worked.wall_seconds for worked in workers)
    yield Figure("sql", f"UPDATE … FROM, {bench.options.scale:,} killmails", "s", tuple(by_sql), note=NOTE)
    yield Figure("sql", "one worker, first delivery to last commit", "s", seconds)
    yield Figure("sql", "SQL ÷ worker", "×", ratios(by_sql, seconds), at_least(1.0))
    yield Figure("sql", "one worker, the whole process", "s", walls)
    yield Figure("sql", "SQL ÷ whole process", "×", ratios(by_sql, walls))
    yield Figure("sql", "one worker, --batch-size=2000", "s", tuple(larger))
    yield Figure("sql", "SQL ÷ worker, --batch-size=2000", "×", ratios(by_sql, larger), at_least(1.0))
    yield Figure("sql", "one worker, records", "/s", tuple(bench.options.scale / one for one in seconds))
