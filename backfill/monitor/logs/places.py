"""Where the lines of a block are in their file, and at which of them the time is looked at."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from backfill.monitor.logs import prefixes
from backfill.monitor.logs.lines import Block

# How closely times are looked at, by where a line begins in its file: each, then one of so many bytes.
CLOSE: Final = 256 * 1024
NEAR: Final = 4 * 1024 * 1024
NEAR_CELL: Final = 16 * 1024
FAR_CELL: Final = 64 * 1024


def is_close(offset: int) -> bool:
    """Whether each line is looked at there, and is a cell of its own."""
    return offset < CLOSE


def cell(offset: int) -> int:
    """The number of the cell that a line which begins there belongs to."""
    if is_close(offset):
        return offset
    return offset - offset % _size(offset)


def cell_end(offset: int) -> int:
    """Where that cell ends, which is one of several lines."""
    return cell(offset) + _size(offset)


def _size(offset: int) -> int:
    return NEAR_CELL if offset < NEAR else FAR_CELL


class Places:
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
        while start < len(text) and is_close(self.offset(start)):
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
