"""Ids a second of `backfill-queue`, ledger and confirms included."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least

NOTE = "a table of ids and a NULL column; printed: planning and publishing; whole process: also counting and its start"


def measure(bench: Bench) -> Iterator[Figure]:
    ids = bench.options.ids
    printed, whole = zip(*(bench.queued(ids) for _ in range(bench.options.runs)), strict=True)
    yield Figure("queue", f"backfill-queue, {ids:,} ids, as it prints", "/s", printed, at_least(300_000), note=NOTE)
    yield Figure("queue", "backfill-queue, the whole process", "/s", whole)
