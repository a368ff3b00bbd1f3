"""How far a contender's processes are, through a file each that they map into memory: it costs them nothing.

Every process writes when its first record began, when its last one was committed, and how many it has done, by the
monotonic clock that all processes of a machine share.
"""

import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import NamedTuple

LAYOUT = struct.Struct("ddQ")
VARIABLE = "BENCHMARK_MARKS"


class Progress(NamedTuple):
    """All processes together."""

    records: int
    seconds: float  # from the first record's beginning to the last commit


class Mark:
    """One process's file, made when its first record begins: a process that is forked before has its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._first = 0.0
        self._records = 0

    def begin(self) -> None:
        """A record's work begins."""
        if self._map is None:
            with self._lock:
                if self._map is None:
                    self._first = time.monotonic()
                    self._map = _mapped(Path(os.environ[VARIABLE]) / str(os.getpid()))

    def done(self, records: int = 1) -> None:
        """Records are committed, or need no writing."""
        assert self._map is not None, "begin() comes first"
        with self._lock:
            self._records += records
            LAYOUT.pack_into(self._map, 0, self._first, time.monotonic(), self._records)


def _mapped(path: Path) -> mmap.mmap:
    with path.open("w+b") as file:
        file.truncate(LAYOUT.size)
        return mmap.mmap(file.fileno(), LAYOUT.size)


def read(folder: Path) -> Progress:
    """What the processes have written so far."""
    marks = [LAYOUT.unpack(path.read_bytes()) for path in folder.iterdir() if path.stat().st_size == LAYOUT.size]
    begun = [mark for mark in marks if mark[2]]
    if not begun:
        return Progress(0, 0.0)
    return Progress(sum(mark[2] for mark in begun), max(mark[1] for mark in begun) - min(mark[0] for mark in begun))
