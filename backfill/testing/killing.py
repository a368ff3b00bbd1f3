"""Kill a run at every place, let it go on, and hold what is written against a run that nobody killed."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from backfill import parameters, statements
from backfill.definition import Definition
from backfill.errors import UsageError
from backfill.testing import definitions
from backfill.testing.databases import Database
from backfill.testing.runs import QUICK, Ended, ran

# Where a kill could cost something: between two commits, and on both sides of each.
PLACES: Final = (
    *("producer.after_open", "producer.after_plan", "producer.before_finish"),
    *("worker.before_claim", "worker.after_claim", "worker.after_compute", "worker.after_fetch"),
    *("worker.before_commit", "worker.after_commit"),
)
RUN: Final = "import sys; from backfill.entry import main; main()"
MOST_SECONDS: Final = 120.0  # of a run
AGAIN: Final = 10  # runs at most: one ends, or goes on with what the one before left
ENDED: Final = (0, 7, 8)  # exit codes
Tables = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Survived:
    """What was tried; each ended with the rows of a run that nobody killed."""

    kills: list[str]  # the places, and the moments by chance, where a process was killed
    clean: Ended  # the run that nobody killed


async def survives(
    definition: Definition | type[Definition],
    database: Database | str,
    *,
    mode: str | None = None,
    batch_size: int | None = None,
    ignoring: Collection[str] = (),
    moments: int = 2,
    seed: int = 0,
    **given: Any,
) -> Survived:
    """Run it in copies of the database, killed by SIGKILL at each place once, and at so many moments by chance.

    Each killed run is called again until it has ended. Raises AssertionError with the first rows that differ; columns
    that no two runs fill alike are left out with `ignoring`. The class must be one that another process can import, and
    nobody may be connected to the database.
    """
    made, place = definitions.made(definition, given), Database(str(database))
    words = _words(made, mode, batch_size)
    async with place.copied() as copy:
        clean = await ran(made, copy, mode=mode, batch_size=batch_size)
    kills = []
    chance = random.Random(seed)  # noqa: S311 - no secret; the same moments again
    wanted: list[tuple[str, float | None]] = [(name, None) for name in PLACES]
    wanted += [(f"after {seconds:.2f} s", seconds) for seconds in (chance.uniform(0.3, 2) for _ in range(moments))]
    for name, seconds in wanted:
        async with place.copied() as copy:
            was_killed = await _killed_and_called_again(copy, words, "" if seconds else name, seconds)
            async with copy.connect() as connection:
                now = await definitions.rows(connection, made)
        _need_same(name, clean.tables, now, ignoring)
        if was_killed:
            kills.append(name)
    if not kills:
        raise AssertionError(f"no run of {made.name} could be killed: give it records to do")
    return Survived(kills, clean)


async def _killed_and_called_again(copy: Database, words: list[str], failpoint: str, seconds: float | None) -> bool:
    first = {"BACKFILL_FAILPOINT": f"{failpoint}=kill"} if failpoint else {}
    code, said = await asyncio.to_thread(_run, copy, words, first, seconds)
    was_killed = code == -signal.SIGKILL
    for _ in range(AGAIN):
        if code in ENDED:
            return was_killed
        if code != -signal.SIGKILL:
            raise AssertionError(f"backfill run ended with exit code {code}:\n{said}")
        await copy.execute(statements.read("testing/forget_process"))
        code, said = await asyncio.to_thread(_run, copy, words, {}, None)
    raise AssertionError(f"backfill run did not end:\n{said}")


def _run(copy: Database, words: list[str], more: Mapping[str, str], seconds: float | None) -> tuple[int, str]:
    """Run the command in a process of its own, killed after so many seconds; its exit code and what it said."""
    path = os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))
    env = {**QUICK, **os.environ, "PYTHONPATH": path, "DATABASE_URL": copy.url, **more}
    started = subprocess.Popen(  # noqa: S603 - this interpreter, with words of our own
        [sys.executable, "-c", RUN, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said, _ = started.communicate(timeout=seconds or MOST_SECONDS)
    except subprocess.TimeoutExpired:
        started.kill()
        said, _ = started.communicate()
        if seconds is None:
            raise AssertionError(f"backfill run did not end within {MOST_SECONDS:g} s:\n{said}") from None
    return started.returncode, said


def _words(definition: Definition, mode: str | None, batch_size: int | None) -> list[str]:
    """The command line; the same call again goes on with the job."""
    kind = type(definition)
    if "." in kind.__qualname__ or kind.__module__ == "__main__":
        raise UsageError(f"{kind.__qualname__} is no class that another process can import: define it in a module")
    words = ["run", definition.name, "--app", f"{kind.__module__}:{kind.__qualname__}", "--idempotency-key", "survives"]
    words += [] if mode is None else ["--mode", mode]
    words += [] if batch_size is None else ["--batch-size", str(batch_size)]
    for name, value in parameters.stored(definition).items():
        words += ["-P", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return words


def _need_same(name: str, clean: Tables, now: Tables, ignoring: Collection[str]) -> None:
    for table, before in clean.items():
        left = [_without(row, ignoring) for row in before]
        right = [_without(row, ignoring) for row in now[table]]
        if left == right:
            continue
        if len(left) != len(right):
            raise AssertionError(f"killed at {name}: {table} has {len(right):,} rows, not {len(left):,}")
        differing = [f"{one!r}, not {other!r}" for one, other in zip(right, left, strict=True) if one != other]
        raise AssertionError(
            f"killed at {name}: {len(differing):,} rows of {table} differ from those of a run that nobody killed, the "
            f"first: {differing[0]}"
        )


def _without(row: dict[str, Any], ignoring: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ignoring}
