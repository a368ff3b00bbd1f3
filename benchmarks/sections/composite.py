"""A key of two columns against a key of one: the same names, the same computation, one worker."""

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most, ratios
from benchmarks.workloads import ORDER_LINES, PEOPLE

NOTE = (
    "the same names in the same order under both keys, the table of two columns also stores the second one; "
    "in turns on fresh copies; ratios are those of the pairs"
)


def measure(bench: Bench) -> Iterator[Figure]:
    names = bench.options.names
    one, two = [], []
    for _ in range(bench.options.runs):
        one.append(bench.worked(names, workload=PEOPLE).seconds)
        two.append(bench.worked(names, workload=ORDER_LINES).seconds)
    yield Figure("composite", f"one worker, {names:,} names, key (id)", "s", tuple(one), note=NOTE)
    yield Figure("composite", f"one worker, {names:,} names, key (order_id, line_no)", "s", tuple(two))
    yield Figure("composite", "two columns ÷ one", "×", ratios(two, one), at_most(1.2))
