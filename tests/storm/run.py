"""Storms from the command line: `python -m tests.storm.run --seeds 1-200 --jobs 4`.

A line a seed, then those that failed and how to play them again. Ends with 1 when one failed.
"""

import argparse
import asyncio
import multiprocessing
import secrets
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from backfill import services as own_services
from backfill.services import install
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.storm import dice
from tests.storm.play import Outcome, play
from tests.storm.services import Lane

_lane: Lane


def main() -> int:
    options = _options()
    seeds, without = seeds_of(options.seeds), frozenset(filter(None, options.without.split(",")))
    known = {*dice.WEIGHTS, dice.CLEAR}
    if unknown := without - known:
        sys.exit(f"no such events: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}")
    jobs = min(options.jobs, len(seeds))
    private = any(dice.schedule(seed).without(without).needs_private for seed in seeds)
    until = tuple(filter(None, options.until.split(",")))
    began = time.monotonic()
    failed: list[Outcome] = []
    with _lanes(jobs, private=private) as lanes:
        # A process a lane: commands of operators run inside it, and read its environment.
        context = multiprocessing.get_context("spawn")
        waiting = context.Queue()
        for lane in lanes:
            waiting.put(lane)
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(waiting,))
        try:
            for future in as_completed([pool.submit(_play, seed, without) for seed in seeds]):
                outcome = future.result()
                _show(outcome, loud=options.verbose)
                if outcome.faults and (not until or any(fault.startswith(until) for fault in outcome.faults)):
                    failed.append(outcome)
                    if until:
                        break
        finally:
            pool.shutdown(cancel_futures=True)  # those under way end, and take their processes with them
    print(f"{len(seeds)} storms in {time.monotonic() - began:.0f} s, {len(failed)} failed.")
    for outcome in failed:
        for fault in outcome.faults:
            print(f"{outcome.seed}: {fault}")
    if failed:
        left_out = f" WITHOUT={','.join(sorted(without))}" if without else ""
        print(f"To play them again: make storm SEEDS={','.join(str(one.seed) for one in failed)},{left_out}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="25", help="numbers and ranges (1-200,7), or one N for N fresh ones")
    parser.add_argument("--jobs", type=int, default=2, help="so many side by side")
    parser.add_argument("--without", default="", help="events that are left out")
    parser.add_argument("--until", default="", help="end with the first that fails by one of these checks")
    parser.add_argument("--verbose", action="store_true", help="what happened when, of every storm")
    return parser.parse_args()


def seeds_of(text: str) -> list[int]:
    """`25` is 25 fresh seeds; `7,` and `7-7` are the seed 7."""
    if text.isdigit() and int(text) <= 1_000:
        return [secrets.randbelow(10**9) + 10_000 for _ in range(int(text))]
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@contextmanager
def _lanes(jobs: int, *, private: bool) -> Iterator[list[Lane]]:
    """A lane each, with servers of its own where some seed restarts one; all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="storms-"))
    folder.chmod(0o711)
    started: list[Postgres | Rabbitmq] = []
    try:
        shared = own_services.up(folder, durable=False)
        lanes = []
        for number in range(jobs):
            lane = Lane(shared)
            if private:
                install.ensure("postgres")
                install.ensure("rabbitmq")
                postgres = Postgres.create(folder / f"lane-{number}", durable=False)
                started.append(postgres)
                rabbitmq = Rabbitmq.create(folder / f"lane-{number}")
                started.append(rabbitmq)
                lane = Lane(shared, postgres, rabbitmq)
            lanes.append(lane)
        yield lanes
    finally:
        for server in started:
            server.delete()
        own_services.down(folder, delete=True)
        shutil.rmtree(folder, ignore_errors=True)


def _begin(waiting: "multiprocessing.Queue[Lane]") -> None:
    global _lane
    warnings.filterwarnings("ignore", message="coroutine 'Connection.close'")  # of a link that was cut
    # Ended from outside, it takes the processes of its storm with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    _lane = waiting.get()


def _play(seed: int, without: frozenset[str]) -> Outcome:
    return asyncio.run(play(_lane, seed, without))


def _show(outcome: Outcome, *, loud: bool) -> None:
    verdict = "FAILED" if outcome.faults else "ok"
    print(f"{outcome.seed:>10} {verdict:6} {outcome.seconds:5.1f} s  {outcome.schedule}\n{'':19}{outcome.summary}")
    for fault in outcome.faults:
        print(f"{'':11}- {fault}")
    if outcome.folder:
        print(f"{'':11}what its processes said: {outcome.folder}")
    if loud or outcome.faults:
        for line in outcome.journal:
            print(f"{'':11}{line}")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
