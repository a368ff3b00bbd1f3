"""Whether a job that is ten times as large takes more than ten times as long."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, ratios
from benchmarks.options import MANY

FEW = MANY // 10


def measure(bench: Bench) -> Iterator[Figure]:
    many_records = max(MANY, bench.options.scale)
    few, many = [], []
    for _ in range(bench.options.runs):
        few.append(FEW / bench.worked(FEW).seconds)
        many.append(many_records / bench.worked(many_records).seconds)
    yield Figure("scaling", f"one worker, {FEW:,} killmails", "/s", tuple(few))
    yield Figure("scaling", f"one worker, {many_records:,} killmails", "/s", tuple(many))
    yield Figure("scaling", "rate of many ÷ rate of few", "×", ratios(many, few), at_least(0.9))
