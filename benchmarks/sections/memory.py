"""Peak memory of a worker over a whole run, and of the producer."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most

NOTE = "VmHWM of the process, the largest of all its runs here; MB is a million bytes"


def measure(bench: Bench) -> Iterator[Figure]:
    """What the other sections have seen; measured now when they did not run."""
    if not bench.worker_peaks:
        bench.worked(bench.options.scale)
    if not bench.producer_peaks:
        bench.queued(bench.options.ids)
    worker, producer = max(bench.worker_peaks) / 1e6, max(bench.producer_peaks) / 1e6
    yield Figure("memory", "a worker", "MB", (worker,), at_most(64), note=NOTE)
    yield Figure("memory", f"the producer, {bench.options.ids:,} ids", "MB", (producer,), at_most(100))
