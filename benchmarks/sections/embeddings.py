"""A worker with a model in its processes against the bare model in a loop, in as many processes."""

import os
import sys
from collections.abc import Iterator

from benchmarks import commands, toolkit
from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, ratios

CORES = os.cpu_count() or 1
NOTE = (
    "the example of embeddings, made-up advertisements, batches of 32; a process a core, each loads the model; "
    "the loop: the same calls on the same texts, started to the last vector; the worker: first claim to last commit; "
    "in turns, ratios are those of the pairs"
)


def measure(bench: Bench) -> Iterator[Figure]:
    texts = bench.options.texts
    bare, worked = [], []
    for _ in range(bench.options.runs):
        bare.append(texts / _looped(bench, texts))
        worked.append(texts / _worked(bench, texts))
        bench.say(f"{texts:,} texts: bare {bare[-1]:.1f}/s, worker {worked[-1]:.1f}/s")
    yield Figure("embeddings", f"bare model, {texts:,} texts, {CORES} processes", "/s", tuple(bare), note=NOTE)
    yield Figure("embeddings", f"one worker, --concurrency={CORES}", "/s", tuple(worked))
    yield Figure("embeddings", "worker ÷ bare model", "×", ratios(worked, bare), at_least(0.9))


def _looped(bench: Bench, texts: int) -> float:
    with bench.arena.site(bench.arena.template("jobs", texts)) as site:
        command = [sys.executable, "-m", "benchmarks.embedder", str(CORES)]
        return float(commands.run(command, site.environment, deadline=120 + texts).output.split()[-1])


def _worked(bench: Bench, texts: int) -> float:
    with bench.arena.site(bench.arena.template("jobs", texts)) as site:
        return toolkit.work(site, toolkit.EMBEDDINGS, texts, "--batch-size=32", slots=CORES).seconds
