"""A log that gzip packed, unpacked as a stream."""

import zlib
from collections.abc import Iterator
from typing import Final

from backfill.monitor.logs.opened import Opened

PIECE: Final = 256 * 1024  # bytes that are unpacked at once, whatever they were packed into
_GZIP: Final = 31


class Unpacking:
    """The lines of one file; `is_whole` and `why` are known when it was read to the end."""

    def __init__(self, file: Opened) -> None:
        self._file = file
        self.read = 0  # bytes of the packed file
        self.is_whole = False
        self.why: str | None = None

    def pieces(self, skip: int = 0) -> Iterator[bytes]:
        """What is unpacked, behind so many bytes of it."""
        try:
            for piece in self._pieces():
                if skip < len(piece):
                    yield piece[skip:]
                skip -= min(skip, len(piece))
        except zlib.error as error:
            self.why = f"is damaged: {error}; what was unpacked until there was read"

    def _pieces(self) -> Iterator[bytes]:
        unpack, data, is_begun, is_full = zlib.decompressobj(_GZIP), b"", False, False
        while True:
            if not data and not is_full:
                data = self._file.read(self.read, PIECE)
                self.read += len(data)
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
