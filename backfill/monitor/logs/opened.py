"""One file of a log, opened: which it is, how long, and what kind of bytes it holds."""

import errno
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

PRINTED: Final = 1_024  # bytes at the beginning, by which a file is known again
SAMPLE: Final = 8 * 1_024
GZIP: Final = b"\x1f\x8b"
# Beginnings of what holds no lines, and what to do with it.
PACKED: Final = {
    b"\xfd7zXZ": "xz: read it with: xzcat FILE | backfill monitor --log -",
    b"BZh": "bzip2: read it with: bzcat FILE | backfill monitor --log -",
    b"\x28\xb5\x2f\xfd": "zstd: read it with: zstdcat FILE | backfill monitor --log -",
    b"PK\x03\x04": "zip: read it with: unzip -p FILE | backfill monitor --log -",
}
_CONTROLS: Final = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_HOLE: Final = re.compile(rb"\x00{16,}")
MOST_CONTROLS: Final = 0.02  # of a text


@dataclass(frozen=True)
class Opened:
    """A file that is open; it stays the same one when its name is given to another."""

    path: str
    descriptor: int
    device: int
    inode: int

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    @property
    def written_at(self) -> float:
        return os.fstat(self.descriptor).st_mtime

    def read(self, offset: int, size: int) -> bytes:
        """Up to so many bytes from there."""
        return os.pread(self.descriptor, size, offset)

    def data_from(self, offset: int) -> int:
        """Where the next byte is that was written: behind the hole, if there is one at that place."""
        try:
            return os.lseek(self.descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            # There is only a hole from there on, or the file system does not know.
            return self.size if error.errno == errno.ENXIO else offset

    def printed(self, offset: int, size: int) -> str:
        """What tells so many bytes from those of another file."""
        return print_of(self.read(offset, size))

    @property
    def is_gzip(self) -> bool:
        return self.read(0, 2) == GZIP

    def why_not_text(self) -> str | None:
        """Why there are no lines in it; None when there may be."""
        head = self.read(0, SAMPLE)
        for magic, what in PACKED.items():
            if head.startswith(magic):
                return f"is packed with {what.replace('FILE', self.path)}"
        if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_wide(head):
            return "is UTF-16 text; make it UTF-8: iconv -f utf-16 -t utf-8"
        return "is binary, and has no lines to read; name the log of the program" if _is_binary(head) else None


@contextmanager
def opened(path: str) -> Iterator[Opened]:
    """The file of that name; raises OSError, and ValueError when it is no file."""
    # Before it is opened: to open a pipe and leave it ends its writer, and devices do things when they are opened.
    _look_at(path, os.stat(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        told = os.fstat(descriptor)
        _look_at(path, told)
        yield Opened(path, descriptor, told.st_dev, told.st_ino)
    finally:
        os.close(descriptor)


def _look_at(path: str, told: os.stat_result) -> None:
    if stat.S_ISFIFO(told.st_mode):
        raise ValueError(f"is a pipe; read it with: backfill monitor --log - < {shlex.quote(path)}")
    if not stat.S_ISREG(told.st_mode):
        raise ValueError("is no file; name the log that the program writes")


def print_of(data: bytes) -> str:
    """What tells bytes from others."""
    return hashlib.sha256(data).hexdigest()


def _is_wide(head: bytes) -> bool:
    """Whether every other byte is NUL, as those of ASCII are in UTF-16."""
    few, many = sorted((head[0::2].count(0), head[1::2].count(0)))
    return len(head) >= 16 and many > len(head) // 4 and few * 10 < many


def _is_binary(head: bytes) -> bool:
    # A log that was emptied under its writer begins with a hole.
    text = _HOLE.sub(b"", head)
    return bool(text) and len(_CONTROLS.findall(text)) > max(len(text) * MOST_CONTROLS, 4)
