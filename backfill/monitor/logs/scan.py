"""From blocks of lines to a tally, the same however the lines were cut into blocks."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from backfill.monitor.logs import prefixes, runs
from backfill.monitor.logs.happenings import Example
from backfill.monitor.logs.lines import Block
from backfill.monitor.logs.saying import Reader, Said
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.patterns import Patterns
from backfill.monitor.readings import MOST_OF_A_LINE

# How closely times are looked at, by where a line begins in its file: each, then one of so many bytes.
CLOSE: Final = 256 * 1024
NEAR: Final = 4 * 1024 * 1024
NEAR_CELL: Final = 16 * 1024
FAR_CELL: Final = 64 * 1024
MOST_BYTES: Final = 4 * MOST_OF_A_LINE  # of an example, before it is decoded


def cell(offset: int) -> int:
    """The number of the cell that a line which begins there belongs to."""
    if offset < CLOSE:
        return offset
    return offset - offset % (NEAR_CELL if offset < NEAR else FAR_CELL)


class Scanner:
    """Adds blocks of one file to tallies."""

    def __init__(self, patterns: Patterns, reader: Reader, stamps: Stamps, since: float | None = None) -> None:
        self._any = patterns.any
        self._has_runs = not patterns.own
        self._reader = reader
        self._stamps = stamps
        self._since = since

    def scan(self, block: Block, tally: Tally) -> None:
        """Count a block; its lines are those behind what the tally has."""
        raw = block.lines
        text = raw.replace(b"\r\n", b" \n").replace(b"\r", b"\n") if b"\r" in raw else raw
        places = _Places(block, text)
        if b"\x1b" in text:
            text = places.without_ansi()
        self._lines(places, text, tally)
        tally.lines += raw.count(b"\n")
        tally.ends(raw)
        tally.cut += block.is_cut

    def _lines(self, places: "_Places", text: bytes, tally: Tally) -> None:
        """Those whose time is looked at and those that something is in, in their order."""
        position = 0
        marks = _Ahead(places.looked_at(text))
        is_plain = self._has_runs and self._since is None and places.is_plain
        while (found := self._any.search(text, position)) is not None:
            start = text.rfind(b"\n", 0, found.start()) + 1
            for mark in marks.upto(start):
                self._time(places, text, mark, tally)
            if is_plain and (ended := self._run(places, text, start, tally)) > start:
                position = ended
                continue
            end = text.find(b"\n", found.start())
            line = text[start:end].replace(b"\0", b"")
            self._add(line, places.offset(start), tally.lines + places.number(start), tally)
            position = end + 1
        for mark in marks.upto(len(text)):
            self._time(places, text, mark, tally)

    def _time(self, places: "_Places", text: bytes, start: int, tally: Tally) -> None:
        at = self._stamps.of(text[start : text.find(b"\n", start)])
        if at is not None and not self._is_old(at):
            tally.timed(tally.lines + places.number(start), at, self._stamps.is_dateless)

    def _run(self, places: "_Places", text: bytes, start: int, tally: Tally) -> int:
        """Count the plainest lines from there on that are in one cell; where they end."""
        offset = places.offset(start)
        if offset < CLOSE:
            return start
        place = cell(offset)
        room = FAR_CELL if offset >= NEAR else NEAR_CELL
        # The last line of a cell begins in it, and may end behind it.
        beyond = start + place + room - offset
        last = max(text.rfind(b"\n", 0, beyond - 1) + 1, start)
        most = text.find(b"\n", last) + 1 if beyond < len(text) else len(text)
        end = runs.end(text, start, most)
        if end > start:
            runs.count(text[start:end], place, tally, self._stamps)
            tally.last_progress = tally.lines + places.number(text.rfind(b"\n", 0, end - 1) + 1)
        return end

    def _add(self, line: bytes, offset: int, number: int, tally: Tally) -> None:
        said = self._reader.said(line)
        if not (said.names or said.is_progress or said.is_finished):
            return
        at = self._stamps.of(line)
        if self._is_old(at):
            return
        if at is not None and self._stamps.is_dateless:
            tally.timed(number, at, is_dateless=True)
        if said.is_progress:
            _progress(said, at, cell(offset), tally)
            tally.last_progress = number
        if said.names or said.is_finished:
            example = Example(number, line[:MOST_BYTES].decode("utf-8", "replace").strip()[:MOST_OF_A_LINE], at)
            for name in sorted(said.names):
                tally.happens(name, example)
            if "fatal" in said.names:
                tally.last_fatal = number
            if said.is_finished:
                tally.happens("finished", example)
                tally.last_finished = number

    def _is_old(self, at: float | None) -> bool:
        return self._since is not None and at is not None and at < self._since


def _progress(said: Said, at: float | None, place: int, tally: Tally) -> None:
    if said.amount is not None:
        tally.comes_to(*said.amount, at, place)
    way = tally.way(said.worker) if said.worker is not None else None
    if way is None:
        return
    for unit, value in said.numbers:
        way.add(unit, at, value, place)
    if at is not None:
        way.heard_at = at
    way.is_finished = said.is_worker_finished


class _Ahead:
    """Numbers that rise, handed out up to a limit at a time."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._next = next(numbers, None)

    def upto(self, most: int) -> Iterator[int]:
        """The next ones, as far as they are not greater."""
        while self._next is not None and self._next <= most:
            yield self._next
            self._next = next(self._numbers, None)


class _Places:
    """Where the lines of a block are in the file."""

    def __init__(self, block: Block, text: bytes) -> None:
        self._block = block
        self._counted = 0, 0  # up to where line feeds were counted, and how many there were
        self._text = text
        self._starts: list[int] | None = None  # of the lines in the file, when their text is not as it stands there
        self._begins: list[int] = []  # of the same lines in that text

    @property
    def is_plain(self) -> bool:
        """Whether the text is that of the file, but for how lines end."""
        return self._starts is None

    def without_ansi(self) -> bytes:
        """The text without the sequences that colour it."""
        lines = self._text.split(b"\n")
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        plain = [prefixes.ANSI.sub(b"", line) for line in lines]
        self._begins = list(accumulate((len(line) + 1 for line in plain), initial=0))
        return b"\n".join(plain)

    def offset(self, start: int) -> int:
        """Where in the file the line begins that begins there in the text."""
        return self._block.offset + self._original(start)

    def number(self, start: int) -> int:
        """How many lines of the block are before it, as an editor counts them."""
        original = self._original(start)
        upto, count = self._counted
        if original < upto:
            upto, count = 0, 0
        count += self._block.lines.count(b"\n", upto, original)
        self._counted = original, count
        return count

    def looked_at(self, text: bytes) -> Iterator[int]:
        """Where the lines begin whose time is looked at."""
        begin, end = self._block.offset, self._block.offset + len(self._block.lines)
        start, last = 0, -1
        while start < len(text) and self.offset(start) < CLOSE:
            yield start
            last = start
            start = text.find(b"\n", start) + 1
        for near, far, step in ((CLOSE, NEAR, NEAR_CELL), (NEAR, end, FAR_CELL)):
            low, high = max(begin, near), min(end, far)
            for mark in range(low + -low % step, high, step):
                start = self._line_with(text, mark - begin)
                if start > last:
                    yield start
                    last = start

    def _line_with(self, text: bytes, original: int) -> int:
        if self._starts is None:
            return text.rfind(b"\n", 0, original) + 1
        return self._begins[_last_at_most(self._starts, original)]

    def _original(self, start: int) -> int:
        return start if self._starts is None else self._starts[_last_at_most(self._begins, start)]


def _last_at_most(numbers: list[int], most: int) -> int:
    return bisect_right(numbers, most) - 1
