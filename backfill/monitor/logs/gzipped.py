"""A log that gzip packed, unpacked as a stream."""

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from backfill.monitor.logs.opened import Opened

PIECE: Final = 256 * 1024  # bytes that are unpacked at once, whatever they were packed into
MOST_SKIPPED: Final = 256 * 1024 * 1024  # that may take longer than there is time
_GZIP: Final = 31


class Unpacking:
    """The lines of one file; `is_whole` and `why` are known when it was read to the end."""

    def __init__(self, file: Opened, is_time_up: Callable[[], bool] = lambda: False) -> None:
        self._file = file
        self._is_time_up = is_time_up
        self._read = 0  # bytes of the packed file
        self.is_whole = False
        self.why: str | None = None

    def pieces(self, skip: int = 0) -> Iterator[bytes]:
        """What is unpacked, behind so many bytes of it."""
        try:
            skipped = 0
            for piece in self._pieces():
                skipped += min(skip, len(piece))
                if skip and skipped > MOST_SKIPPED and self._is_time_up():
                    self.why = "unpacks to more than can be read in the time there is; unpack it first"
                    return
                if skip < len(piece):
                    yield piece[skip:]
                skip -= min(skip, len(piece))
        except zlib.error as error:
            self.why = f"is damaged: {error}; what was unpacked until there was read"

    def _pieces(self) -> Iterator[bytes]:
        unpack, data, is_begun, is_full = zlib.decompressobj(_GZIP), b"", False, False
        while True:
            if not data and not is_full:
                data = self._file.read(self._read, PIECE)
                self._read += len(data)
                if not data:
                    break
            piece = unpack.decompress(data, PIECE)
            data, is_begun, is_full = unpack.unconsumed_tail, True, len(piece) == PIECE
            if piece:
                yield piece
            if unpack.eof:
                # Another may follow; and zeros, on tapes.
                data = unpack.unused_data.lstrip(b"\0")
                unpack, is_begun, is_full = zlib.decompressobj(_GZIP), False, False
        self.is_whole = True
        if is_begun:
            self.why = "ends in the middle of what gzip packed; what was unpacked until there was read"
