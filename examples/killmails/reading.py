"""Reads a file line by line, plain or gzip, in bounded memory."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeAlias, cast

from backfill.errors import BackfillError, UsageError

LONGEST = 16 * 1024 * 1024  # a line; the largest real killmails stay below 1 MB

# Called for every line that is not loaded, with its number from 1 and the reason.
Report: TypeAlias = Callable[[int, str], None]


class FileError(BackfillError):
    """A file holds nothing that can be loaded, or ends early."""


def lines(path: Path, report: Report) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank with their numbers from 1; raises UsageError and FileError."""
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(LONGEST):
                number += 1
                if len(line) == LONGEST and not line.endswith(b"\n"):
                    report(number, f"longer than {LONGEST} bytes")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST)
                elif line.strip():
                    yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"{path} is damaged after line {number} ({error}); get it again and load it again") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        # The content decides, not the name: browsers unpack on the way and keep the name.
        if file.peek(2)[:2] == b"\x1f\x8b":
            with gzip.open(file) as unpacked:
                yield cast(IO[bytes], unpacked)
        elif path.suffix == ".gz":
            raise FileError(f"{path} is not gzip, whatever its name says; rename it if it is plain text")
        else:
            yield file
