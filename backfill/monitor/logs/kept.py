"""What is kept of a log between looks, as JSON."""

import os
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from backfill.monitor.logs.opened import PRINTED, Opened
from backfill.monitor.logs.ranges import Ranges
from backfill.monitor.logs.tally import Tally

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
    before: Tally

    def is_of(self, file: Opened) -> bool:
        """Whether the file is that one, and nothing of it was taken away."""
        end = self.packed if self.packed is not None else self.ranges.end
        return file.size >= end and file.printed(0, self.printed) == self.print and _tail(file, end) == self.tailed

    def know(self, file: Opened) -> None:
        """Keep what tells the file from others."""
        # Beside what a link leads to are those that it led to before.
        self.path = os.path.realpath(file.path)
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
    return rises == sorted(rises) and 0 <= kept.printed <= PRINTED and (kept.packed or 0) >= 0


def written(kept: Kept) -> dict[str, Any]:
    """The same as JSON."""
    return _ADAPTER.dump_python(kept, mode="json")  # type: ignore[no-any-return]


def _tail(file: Opened, end: int) -> str:
    return file.printed(max(end - PRINTED, 0), min(end, PRINTED))
