"""Bytes as they come, cut into blocks of whole lines; what is too long for a line is skipped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_OF_A_LINE: Final = 1024 * 1024  # that is looked at


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its end; `offset` is where they begin in the file."""

    offset: int
    lines: bytes
    is_cut: bool = False  # one line, whose rest was skipped


class Cutter:
    """Cuts what it is fed into blocks; `offset` is where the first line that is not whole yet begins.

    A line ends with a line feed, or with a carriage return as progress bars write it.
    """

    def __init__(self, offset: int = 0) -> None:
        self.offset = offset
        self._held = b""  # the beginning of a line
        self._skipped = 0  # bytes behind it
        self._nothing = 0  # NUL bytes before it: the hole that is left where a log was emptied under its writer
        self._late = b""  # a carriage return that a line feed may follow

    @property
    def half(self) -> bytes:
        """What is there of a line that is not whole yet."""
        return self._held + self._late

    def feed(self, data: bytes) -> Iterator[Block]:
        """The lines that are whole with this."""
        for start in range(0, len(data), MOST_OF_A_LINE):
            yield from self._piece(self._late + data[start : start + MOST_OF_A_LINE])

    def hole(self, size: int) -> None:
        """So many NUL bytes behind one that it was fed."""
        if not self._held:
            self._nothing += size
            return
        room = min(MOST_OF_A_LINE - len(self._held), size)
        self._held += bytes(room)
        self._skipped += size - room

    def _piece(self, data: bytes) -> Iterator[Block]:
        self._late = b"\r" if data.endswith(b"\r") else b""
        if self._late:
            data = data[:-1]
        if self._held or self._nothing:
            end = _first_end(data)
            if end < 0:
                self._hold(data)
                return
            yield self._ended(data[: end + 1])
            data = data[end + 1 :]
        end = _last_end(data)
        if end >= 0:
            yield self._block(data[: end + 1], end + 1)
            data = data[end + 1 :]
        self._hold(data)

    def _hold(self, data: bytes) -> None:
        if not self._held and data[:1] == b"\0":
            line = data.lstrip(b"\0")
            self._nothing += len(data) - len(line)
            data = line
        room = MOST_OF_A_LINE - len(self._held)
        self._held += data[:room]
        self._skipped += max(len(data) - room, 0)

    def _ended(self, rest: bytes) -> Block:
        self._hold(rest[:-1])
        line, is_cut = self._held + rest[-1:], self._skipped > 0
        size = self._nothing + len(line) + self._skipped
        self._held, self._skipped, self._nothing = b"", 0, 0
        return self._block(line, size, is_cut)

    def _block(self, lines: bytes, size: int, is_cut: bool = False) -> Block:
        block = Block(self.offset, lines, is_cut)
        self.offset += size
        return block


def _first_end(data: bytes) -> int:
    feed = data.find(b"\n")
    back = data.find(b"\r", 0, feed if feed >= 0 else len(data))
    return feed if back < 0 or back + 1 == feed else back


def _last_end(data: bytes) -> int:
    feed = data.rfind(b"\n")
    back = data.rfind(b"\r", feed + 1)
    return back if back >= 0 else feed
