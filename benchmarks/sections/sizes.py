"""How long a job takes, by the size of the table and the number of workers."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure

WORKERS = (1, 2)
SHARES = (100, 10, 1)  # of the scale
NOTE = "killmails without a value, default settings; first claim to last commit, all queued before"


def measure(bench: Bench) -> Iterator[Figure]:
    for share in SHARES:
        records = max(1, bench.options.scale // share)
        for workers in WORKERS:
            runs = tuple(bench.worked(records, workers=workers).seconds for _ in range(bench.options.runs))
            name = f"{records:,} killmails, {workers} worker{'s' if workers > 1 else ''}"
            yield Figure("sizes", name, "s", runs, note=NOTE)
