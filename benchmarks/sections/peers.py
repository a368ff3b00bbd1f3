"""Two of our workers against two worker processes of each peer."""

import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import commands, marks
from benchmarks.arena import SECONDS_A_RECORD, ready
from benchmarks.bench import Bench
from benchmarks.commands import Command, CommandError
from benchmarks.figures import Figure, at_least
from benchmarks.peers import PEERS, SETTINGS, Peer

NEEDED = ("celery", "dramatiq", "pika", "taskiq", "taskiq_aio_pika", "psycopg")
INSTALL = "the peers are not installed: pip install -r benchmarks/requirements.txt"
NOTE = "a message a record for the peers; all queues filled beforehand; first record's begin to last commit"


def measure(bench: Bench) -> Iterator[Figure]:
    what = "two workers ÷ best peer"
    if not all(map(importlib.util.find_spec, NEEDED)):
        yield Figure("peers", what, "×", (), at_least(20), note=INSTALL)
        return
    rates: dict[str, list[float]] = {name: [] for name in PEERS}
    ours = []
    for _ in range(bench.options.runs):
        for name, peer in PEERS.items():
            rates[name].append(_rate(bench, name, peer))
        ours.append(bench.options.scale / bench.worked(bench.options.scale, workers=2).seconds)
    records = min(bench.options.peer_records, bench.options.scale)
    figures = [Figure("peers", f"{name}, {records:,} records", "/s", tuple(rate)) for name, rate in rates.items()]
    yield from figures
    yield Figure("peers", f"two workers, {bench.options.scale:,} records", "/s", tuple(ours), note=NOTE)
    best = max(figures, key=lambda figure: figure.median or 0)
    assert best.median
    yield Figure("peers", what, "×", tuple(rate / best.median for rate in ours), at_least(20))


def _rate(bench: Bench, name: str, peer: Peer) -> float:
    """Records a second of one peer on a fresh copy of the data."""
    records = min(bench.options.peer_records, bench.options.scale)
    template = bench.arena.template("killmails", bench.options.scale)
    with bench.arena.site(template) as site, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environment = site.environment | SETTINGS | {marks.VARIABLE: folder}
        fill = [sys.executable, "-m", "benchmarks.peers.fill", peer.module, str(records)]
        commands.run(fill, environment, deadline=120 + records * SECONDS_A_RECORD)
        ready(site)
        started = [
            stack.enter_context(Command([sys.executable, "-m", *arguments], environment)) for arguments in peer.commands
        ]
        deadline = time.monotonic() + 120 + records * SECONDS_A_RECORD
        while (progress := marks.read(Path(folder))).records < records:
            for command in started:
                command.check()
            if time.monotonic() > deadline:
                raise CommandError(f"{name} did {progress.records:,} of {records:,} records in time")
            time.sleep(commands.POLL_SECONDS)
        bench.check(site, template, records)
    bench.say(f"{name}, {records:,} records: {progress.seconds:.2f} s")
    return records / progress.seconds
