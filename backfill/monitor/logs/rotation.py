"""Where a log is now that has another file under its name: renamed, copied, or packed."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from backfill.monitor.logs.gzipped import Unpacking
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.opened import Opened, opened, print_of

MOST_NAMES: Final = 10_000  # of a folder
MOST_OPENED: Final = 32


def found_again(kept: Kept, now: Opened) -> str | None:
    """The path of the file that was read; None when it is not beside where it was. `now` is what has its name."""
    for path in islice(_beside(kept, now), MOST_OPENED):
        try:
            with opened(path) as file:
                if _is_packed(kept, file) if file.is_gzip and kept.packed is None else kept.is_of(file):
                    return path
        except (OSError, ValueError):
            continue
    return None


def _beside(kept: Kept, now: Opened) -> Iterator[str]:
    folder, stem = os.path.split(kept.path)
    found = []
    with os.scandir(folder or ".") as entries:
        for entry in islice(entries, MOST_NAMES):
            if entry.name.startswith(Path(stem).stem) or entry.inode() == kept.inode:
                told = entry.stat()
                if (told.st_dev, told.st_ino) != (now.device, now.inode):
                    found.append((told.st_ino != kept.inode, -told.st_mtime, entry.path))
    return (path for _, _, path in sorted(found))


def _is_packed(kept: Kept, file: Opened) -> bool:
    head = b""
    for piece in Unpacking(file).pieces():
        head += piece
        if len(head) >= kept.printed:
            break
    return print_of(head[: kept.printed]) == kept.print
