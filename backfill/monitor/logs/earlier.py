"""Files that had a log's name before it, and are read on until they are whole."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Final

from backfill.monitor.logs import kept as keeping
from backfill.monitor.logs.gzipped import Unpacking
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.opened import Opened, opened
from backfill.monitor.logs.rotation import MOST_NAMES, found_again
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally

MOST: Final = 8  # files that are read on beside the log
HEAD: Final = 64 * 1024
_SUFFIX: Final = r"(?:[-_.T:]?\d+)+"  # a number or a date

StampsOf = Callable[[float], Stamps]  # of a file that was written then


def succeeded(kept: Kept, now: Opened, stamps: StampsOf) -> Kept:
    """What is kept of a log whose name another file has now: nothing of that, and all of those before."""
    new = keeping.begun(kept.settings, now, 0, kept.before)
    new.lost, new.earlier = kept.lost, [*kept.earlier, kept]
    kept.before, kept.earlier, kept.lost = Tally(), [], 0
    new.earlier += _between(kept, now, new.earlier, stamps)
    while len(new.earlier) > MOST:
        given_up(new)
    return new


def given_up(kept: Kept) -> int:
    """Let the first of the earlier ones count as far as it was read; the bytes of it that were not."""
    old = kept.earlier.pop(0)
    lost = old.ranges.unread
    kept.before, kept.lost = kept.before.then(old.ranges.joined()), kept.lost + lost
    return lost


def _between(kept: Kept, now: Opened, known: list[Kept], stamps: StampsOf) -> list[Kept]:
    """Of files that had the name since and lost it again, the oldest first."""
    path = found_again(kept, now)
    if path is None:
        return []
    folder, name = os.path.split(kept.path)
    stem, kind = os.path.splitext(name)
    rotated = re.compile(
        rf"{re.escape(name)}[-_.]?{_SUFFIX}(?:\.gz)?|{re.escape(stem)}[-_.]{_SUFFIX}{re.escape(kind)}(?:\.gz)?"
    )
    others = {one.inode for one in known} | {now.inode}
    found = []
    with suppress(OSError), os.scandir(folder or ".") as entries:
        others.add(os.stat(path).st_ino)
        at = os.stat(path).st_mtime_ns
        found += [
            (entry.stat().st_mtime_ns, entry.path)
            for entry in islice(entries, MOST_NAMES)
            if rotated.fullmatch(entry.name) and entry.inode() not in others and entry.stat().st_mtime_ns > at
        ]
    return [one for _, path in sorted(found) if (one := _unread(path, kept, stamps)) is not None]


def _unread(path: str, before: Kept, stamps: StampsOf) -> Kept | None:
    """Of a file of which nothing was read yet; None where its lines are not younger than those before."""
    try:
        with opened(path) as file:
            begun, last = _first(file, stamps(file.written_at)), before.ranges.newest.last_at
            # One that was packed just now may be older than it looks.
            if file.is_gzip if begun is None else last is not None and begun < last:
                return None
            kept = keeping.begun(before.settings, file, 0)
            kept.know(file)
            kept.path = before.path
            return kept
    except (OSError, ValueError):
        return None


def _first(file: Opened, stamps: Stamps) -> float | None:
    head = next(Unpacking(file).pieces(), b"") if file.is_gzip else file.read(0, HEAD)
    return next((at for line in head[:HEAD].split(b"\n") if (at := stamps.of(line)) is not None), None)
