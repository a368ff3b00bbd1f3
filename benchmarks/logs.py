"""Logs of other people's backfills, as large as wanted: of plain lines, and of nothing but workers' progress."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path

LINES = 10_000  # that are made at once
A_SECOND = 2_000
WORKERS = 24
BEGAN = 1_767_225_600  # 2026-01-01T00:00:00Z


def plain(number: int) -> str:
    """A line in which nothing is looked for, as most are."""
    block = 18_000_000 + 100 * number
    events = f"{number % 90} ms, {number % 700} events, queue {number % 7}, status ok"
    return f"{_time(number)}.{number % 1_000:03d}Z INFO  fetched range {block} to {block + 99} in {events}\n"


def dense(number: int) -> str:
    """A line of one of 24 workers; each comes to 99.9 % in 40 million lines."""
    return f"{_time(number)}Z Worker {number % WORKERS}: {min(number / 400_000, 99.9):.4f}% complete\n"


def write(path: Path, size: int, line: Callable[[int], str]) -> None:
    """So many bytes of such lines, and the rest of the last one."""
    with path.open("wb") as file:
        for piece in _pieces(line):
            file.write(piece)
            if file.tell() >= size:
                return


def _pieces(line: Callable[[int], str]) -> Iterator[bytes]:
    for begin in count(0, LINES):
        yield "".join(map(line, range(begin, begin + LINES))).encode()


def _time(number: int) -> str:
    return _second(number // A_SECOND)


@lru_cache(2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(BEGAN + second))
