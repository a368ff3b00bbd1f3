"""Where in a file the lines begin that are not older than a time."""

from typing import Final

from backfill.monitor.logs.opened import Opened
from backfill.monitor.logs.stamps import Stamps

STEP: Final = 64 * 1024
LOOKED_AT: Final = 256 * 1024  # for a line that has a time


def begin(file: Opened, stamps: Stamps, since: float) -> int:
    """The beginning of a line; behind it is all that is not older, as far as the times in the file rise."""
    low, high = 0, file.size
    while high - low > STEP:
        middle = (low + high) // 2
        at = _first(file, stamps, middle)
        # Where there is no time in reach it is looked for before.
        if at is not None and at < since:
            low = middle
        else:
            high = middle
    return _line(file, low)


def _first(file: Opened, stamps: Stamps, offset: int) -> float | None:
    data = file.read(offset, LOOKED_AT)
    for line in data.split(b"\n")[1:]:
        if (at := stamps.of(line)) is not None:
            return at
    return None


def _line(file: Opened, offset: int) -> int:
    if offset == 0:
        return 0
    end = file.read(offset - 1, LOOKED_AT).find(b"\n")
    return offset + end if end >= 0 else 0
