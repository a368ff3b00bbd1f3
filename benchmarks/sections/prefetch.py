"""Records a second of several workers, by how many partitions each holds."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure

WORKERS = (1, 2, 4)
PREFETCH = (1, 5, 20)  # 5: what a worker takes when it is told nothing
NOTE = "killmails at the default batch size and concurrency; first claim to last commit, all queued before"


def measure(bench: Bench) -> Iterator[Figure]:
    records = bench.options.scale
    rates: dict[tuple[int, int], list[float]] = {(workers, held): [] for workers in WORKERS for held in PREFETCH}
    for _ in range(bench.options.runs):
        for workers, held in rates:  # in turns: what slows the machine down for a while slows all of them
            worked = bench.worked(records, workers=workers, prefetch=held)
            rates[workers, held].append(records / worked.seconds)
    for (workers, held), runs in rates.items():
        name = f"{workers} worker{'s' if workers > 1 else ''}, --prefetch={held}"
        yield Figure("prefetch", name, "/s", tuple(runs), note=NOTE)
