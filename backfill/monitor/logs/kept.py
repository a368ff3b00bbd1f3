"""What is kept of a log between looks, as JSON."""

import os
from dataclasses import field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from backfill.monitor.logs.opened import PRINTED, Opened
from backfill.monitor.logs.ranges import Ranges
from backfill.monitor.logs.tally import Tally
from backfill.monitor.readings import Remembered

VERSION: Final = 2


@dataclass
class Kept:
    """Of one file, and of those before it under its name."""

    version: int
    settings: str  # what it was read by: with others it is read anew
    path: str
    device: int
    inode: int
    printed: int  # bytes of its beginning,
    print: str  # what they were,
    tailed: str  # and what the last ones were that were read
    packed: int | None  # bytes, where gzip packed it
    ranges: Ranges
    before: Tally  # of files that were read to their ends
    earlier: list["Kept"] = field(default_factory=list)  # files that are not, the oldest first
    lost: int = 0  # bytes of files before it that were gone before they were read

    def is_of(self, file: Opened) -> bool:
        """Whether the file is that one, and nothing of it was taken away."""
        end = self.packed if self.packed is not None else self.ranges.end
        return file.size >= end and file.printed(0, self.printed) == self.print and _tail(file, end) == self.tailed

    def know(self, file: Opened) -> None:
        """Keep what tells the file from others."""
        self.device, self.inode = file.device, file.inode
        self.printed = min(file.size, PRINTED)
        self.print = file.printed(0, self.printed)
        self.packed = file.size if file.is_gzip else None
        self.tailed = _tail(file, self.ranges.end if self.packed is None else self.packed)


_ADAPTER: Final = TypeAdapter(Kept)


def begun(settings: str, file: Opened, begin: int, before: Tally | None = None) -> Kept:
    """Of a file of which nothing was read yet."""
    ranges = Ranges(begin, begin)
    return Kept(VERSION, settings, file.path, file.device, file.inode, 0, "", "", None, ranges, before or Tally())


def read(found: Any) -> Kept | None:
    """What was kept; None when it is damaged, or of another version."""
    try:
        kept = _ADAPTER.validate_python(found)
    except ValidationError:
        return None
    return kept if kept.version == VERSION and _is_possible(kept) else None


def _is_possible(kept: Kept) -> bool:
    ranges = kept.ranges
    rises = [0, ranges.begin, ranges.front_end]
    if ranges.back is not None:
        rises += [ranges.back_begin, ranges.back_end]
    is_whole = kept.lost >= 0 and all(map(_is_possible, kept.earlier))
    return is_whole and rises == sorted(rises) and 0 <= kept.printed <= PRINTED and (kept.packed or 0) >= 0


def written(kept: Kept) -> dict[str, Any]:
    """The same as JSON."""
    return _ADAPTER.dump_python(kept, mode="json")  # type: ignore[no-any-return]


def files(remembered: Remembered) -> dict[str, Any]:
    """What a source of logs remembers of its files, by their paths; nothing where that is damaged."""
    found = remembered.get("files") if isinstance(remembered, dict) else None
    return found if isinstance(found, dict) else {}


def known(remembered: Remembered) -> dict[str, Kept]:
    """The same as far as it can be gone on with."""
    return {path: kept for path, one in files(remembered).items() if (kept := read(one)) is not None}


def of(known: dict[str, Kept], path: str) -> Kept | None:
    """What is known of the file, under whichever name it was read; else of the one before that had its name."""
    try:
        told = os.stat(path)
    except OSError:
        return None
    same = (one for one in known.values() if (one.device, one.inode) == (told.st_dev, told.st_ino))
    return next(same, known.get(path))


def _tail(file: Opened, end: int) -> str:
    return file.printed(max(end - PRINTED, 0), min(end, PRINTED))
