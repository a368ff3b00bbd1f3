"""What was seen of one file: its front, and its back while what is between them was not reached."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from backfill.monitor.logs import scan
from backfill.monitor.logs.lines import MOST_OF_A_LINE, Cutter
from backfill.monitor.logs.opened import Opened
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.tally import Tally

CHUNK: Final = 128 * 1024  # stays in the cache of a processor while it is looked through
TAIL: Final = 2 * 1024 * 1024  # is read first


@dataclass
class Ranges:
    """Two stretches, each with what it adds up to; one when they have met."""

    begin: int = 0
    front_end: int = 0
    front: Tally = field(default_factory=Tally)
    back_begin: int = 0
    back_end: int = 0
    back: Tally | None = None

    @property
    def newest(self) -> Tally:
        """The stretch that grows."""
        return self.front if self.back is None else self.back

    @property
    def end(self) -> int:
        """Up to where the newest stretch goes."""
        return self.front_end if self.back is None else self.back_end

    @property
    def seen(self) -> int:
        """How many bytes."""
        return self.front_end - self.begin + (0 if self.back is None else self.back_end - self.back_begin)

    def read(self, file: Opened, scanner: Scanner, is_time_up: Callable[[], bool], tail: int = TAIL) -> bytes:
        """Read on: the newest first, then what is between; returns the half line at the end of the file."""
        size = file.size
        if self.back is None and size - self.front_end > 2 * tail:
            self._leap(file, size - tail)
        half = b""
        if self.back is None:
            self.front_end, half = _read(file, scanner, self.front, self.front_end, size, is_time_up)
            return half
        # What is there now is to be known, however little time there is.
        until = max(self.back_end, self.back_begin + 2 * tail)
        self.back_end, half = _read(file, scanner, self.back, self.back_end, size, is_time_up, until)
        self.front_end, _ = _read(file, scanner, self.front, self.front_end, self.back_begin, is_time_up)
        if self.front_end >= self.back_begin:
            self.front_end, self.front, self.back = self.back_end, self.front.then(self.back), None
        return half

    def stream(self, pieces: Iterator[bytes], scanner: Scanner, is_time_up: Callable[[], bool]) -> bytes:
        """Read on what comes behind the front; returns the half line at its end."""
        cutter = Cutter(self.front_end)
        for piece in pieces:
            for block in cutter.feed(piece):
                scanner.scan(block, self.front)
            if cutter.offset > self.front_end and is_time_up():
                break
        self.front_end = cutter.offset
        return cutter.half

    def joined(self) -> Tally:
        """All of it, as one; not to be read on any more."""
        if self.back is not None:
            self.front, self.back = self.front.then(self.back), None
        return self.front

    def _leap(self, file: Opened, near: int) -> None:
        # To the beginning of a cell, of which no line was looked at before.
        mark = near - near % scan.FAR_CELL
        if mark <= self.front_end:
            return
        data = file.read(mark - 1, MOST_OF_A_LINE)
        end = data.find(b"\n")
        if end >= 0:
            self.back_begin = self.back_end = mark + end
            self.back = Tally()


def _read(
    file: Opened, scanner: Scanner, tally: Tally, begin: int, end: int, is_time_up: Callable[[], bool], until: int = 0
) -> tuple[int, bytes]:
    """Up to where whole lines were counted, and what stands behind them."""
    cutter, at = Cutter(begin), begin
    while at < end:
        data = file.read(at, min(CHUNK, end - at))
        if not data:
            break
        at += len(data)
        for block in cutter.feed(data):
            scanner.scan(block, tally)
        if at >= until and is_time_up():
            break
    return cutter.offset, cutter.half if at >= end else b""
