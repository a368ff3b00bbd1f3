"""How much of the rate that a service allows some workers use together, and whether they exceed it."""

from collections.abc import Iterator

from benchmarks import toolkit
from benchmarks.bench import Bench
from benchmarks.figures import Figure, about, at_most
from benchmarks.served import seen, service

WORKERS = (1, 3, 6)
RATE = 20  # calls a second, by the definition
TAKEN = 22  # in any second, by the service: not all calls take equally long to get there
NOTE = (
    f"the example of prices, {RATE} calls a second by its definition, of a service that takes {TAKEN} in any second; "
    "a call a key, first claim to last commit"
)


def measure(bench: Bench) -> Iterator[Figure]:
    calls = bench.options.calls
    rates: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    refused: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    for _ in range(bench.options.runs):
        for workers in WORKERS:  # in turns: what slows the machine down for a while slows all of them
            rate, refusals = _asked(bench, workers, calls)
            rates[workers].append(rate)
            refused[workers].append(refusals)
    for workers in WORKERS:
        name = f"{workers} worker{'s' if workers > 1 else ''}"
        shares = tuple(rate / RATE for rate in rates[workers])
        yield Figure("service", f"{name}, achieved ÷ allowed rate", "×", shares, about(1, 0.05), NOTE)
        yield Figure("service", f"{name}, refused of {calls:,} calls", "calls", tuple(refused[workers]), at_most(0))


def _asked(bench: Bench, workers: int, calls: int) -> tuple[float, int]:
    """Calls a second, and how many were refused."""
    with bench.arena.site(bench.arena.template("types", calls)) as site, service(TAKEN) as url:
        given = ("-P", f"url={url}", "-P", f"rate={RATE}", "--batch-size=10")
        worked = toolkit.work(site, toolkit.PRICES, calls, *given, workers=workers, mode=None)
        counts = seen(url)
    assert counts["served"] == calls, counts
    rate = calls / worked.seconds
    bench.say(f"{workers} worker(s), {calls:,} calls: {rate:.1f}/s, {counts['refused']} refused")
    return rate, int(counts["refused"])
