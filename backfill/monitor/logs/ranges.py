"""What was seen of one file: its front, and its back while what is between them was not reached."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from backfill.monitor.logs import places
from backfill.monitor.logs.lines import Cutter
from backfill.monitor.logs.opened import Opened
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.tally import Tally

CHUNK: Final = 128 * 1024  # stays in the cache of a processor while it is looked through
TAIL: Final = 2 * 1024 * 1024  # is read first
MOST_OF_NO_LINE: Final = 64 * 1024 * 1024  # bytes that are read on for the end of a line when the time is up
MUCH: Final = 16  # tails that a log has to grow by for its newest to be read first while there is a back


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

    @property
    def unread(self) -> int:
        """How many bytes lie between what was read."""
        return 0 if self.back is None else self.back_begin - self.front_end

    def read(self, file: Opened, scanner: Scanner, is_time_up: Callable[[], bool], tail: int = TAIL) -> bytes:
        """Read on: the newest first, then what is between; returns the half line at the end of the file."""
        size = file.size
        # What is read again for that lies between the front and the new back.
        if size - self.end > (2 if self.back is None else MUCH) * tail:
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
        cutter, read = Cutter(self.front_end), 0
        for piece in pieces:
            for block in cutter.feed(piece):
                scanner.scan(block, self.front)
            read += len(piece)
            if (cutter.offset > self.front_end or read > MOST_OF_NO_LINE) and is_time_up():
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
        mark = near - near % places.FAR_CELL
        if mark <= self.front_end:
            return
        at = file.data_from(mark - 1)
        while data := file.read(at, CHUNK):
            end = data.find(b"\n")
            if end >= 0:
                self.back_begin = self.back_end = at + end + 1
                self.back = Tally()
                return
            at = file.data_from(at + len(data))


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
        if data.endswith(b"\0") and (written := min(file.data_from(at), end)) > at:
            cutter.hole(written - at)
            at = written
        if at >= until and is_time_up():
            break
    return cutter.offset, cutter.half if at >= end else b""
