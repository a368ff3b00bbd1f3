"""How fast `backfill monitor` reads the log of somebody else's backfill, and in how much memory."""

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import commands, logs
from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, at_most

DEADLINE = 120.0
# Of the log of plain lines: what is slower is to be whole in one look too.
DENSE, PACKED = 100, 4
NOTE = "from the start of the command to its end, on a file that was just written; MB is a million bytes"


def measure(bench: Bench) -> Iterator[Figure]:
    size = bench.options.log_mb * 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        plain, dense, packed = (Path(folder) / name for name in ("plain.log", "dense.log", "packed.log.gz"))
        logs.write(plain, size // PACKED, logs.plain)
        with plain.open("rb") as unpacked, gzip.open(packed, "wb", 1) as into:
            shutil.copyfileobj(unpacked, into)
        yield from _figures(bench, packed, plain.stat().st_size, "of plain lines, packed with gzip")
        logs.write(dense, size // DENSE, logs.dense)
        yield from _figures(bench, dense, dense.stat().st_size, "of nothing but 24 workers' progress")
        logs.write(plain, size, logs.plain)
        yield from _figures(bench, plain, plain.stat().st_size, "of plain lines", is_aimed=True)


def _figures(bench: Bench, path: Path, size: int, what: str, *, is_aimed: bool = False) -> Iterator[Figure]:
    outcomes = [_looked(path) for _ in range(bench.options.runs)]
    rates = tuple(size / 1e6 / outcome.seconds for outcome in outcomes)
    bench.say(f"a log {what}: {', '.join(f'{rate:,.0f} MB/s' for rate in rates)}")
    name = f"a log of {size / 1e6:,.0f} MB {what}"
    yield Figure("monitor", name, "MB/s", rates, at_least(200) if is_aimed else None, NOTE if is_aimed else "")
    peaks = tuple(outcome.peak_bytes / 1e6 for outcome in outcomes)
    yield Figure("monitor", f"{name}, peak memory", "MB", peaks, at_most(64))


def _looked(path: Path) -> commands.Outcome:
    """One look at all of it, with nothing remembered."""
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "XDG_STATE_HOME": state}
        asked = [commands.script("backfill"), "monitor", "--log", str(path), "--gap", "0", "--json"]
        outcome = commands.run(asked, environment, deadline=DEADLINE)
    seen = json.loads(outcome.output)["sources"][0]["text"]
    assert "whole" in seen, seen
    return outcome
