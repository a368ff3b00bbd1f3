"""From blocks of lines to a tally, the same however the lines were cut into blocks."""

from collections.abc import Iterator
from typing import Final

from backfill.monitor.logs import runs
from backfill.monitor.logs.happenings import Example
from backfill.monitor.logs.lines import Block
from backfill.monitor.logs.places import Places, cell, cell_end, is_close
from backfill.monitor.logs.saying import Reader, Said
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.patterns import Patterns
from backfill.monitor.readings import MOST_OF_A_LINE

MOST_BYTES: Final = 4 * MOST_OF_A_LINE  # of an example, before it is decoded


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
        places = Places(block, text)
        if b"\x1b" in text:
            text = places.without_ansi()
        self._lines(places, text, tally)
        tally.lines += raw.count(b"\n")
        tally.ends(raw)
        tally.cut += block.is_cut

    def _lines(self, places: Places, text: bytes, tally: Tally) -> None:
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

    def _time(self, places: Places, text: bytes, start: int, tally: Tally) -> None:
        at = self._stamps.of(text[start : text.find(b"\n", start)])
        if at is not None and not self._is_old(at):
            tally.timed(tally.lines + places.number(start), at, self._stamps.is_dateless)

    def _run(self, places: Places, text: bytes, start: int, tally: Tally) -> int:
        """Count the plainest lines from there on that are in one cell; where they end."""
        offset = places.offset(start)
        if is_close(offset):
            return start
        # The last line of a cell begins in it, and may end behind it.
        beyond = start + cell_end(offset) - offset
        last = max(text.rfind(b"\n", 0, beyond - 1) + 1, start)
        most = text.find(b"\n", last) + 1 if beyond < len(text) else len(text)
        end = runs.end(text, start, most)
        if end > start:
            runs.count(text[start:end], cell(offset), tally, self._stamps)
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
