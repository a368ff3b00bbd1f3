"""Logs that are written now, or were a while ago, where programs usually have theirs."""

import glob
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from backfill.monitor.profile import LogSource
from backfill.monitor.surroundings import Surroundings

LOGS: Final = ("tmp/*.log", "logs/*.log", "log/*.log", "*.log")
RECENT_SECONDS: Final = 86_400.0
TOGETHER_SECONDS: Final = 120.0  # logs that were written so close to each other grow at once
MOST: Final = 32
NUMBERS: Final = re.compile(r"\d+(?:[-_.:T]?\d+)*")


def logs(where: Surroundings) -> list[Path]:
    """The log that was written last, and those that are written with it; of a day at most."""
    found: dict[Path, tuple[float, Path]] = {}
    for path in (path for pattern in LOGS for path in where.folder.glob(pattern)):
        with suppress(OSError):
            told = path.stat()
            if path.is_file() and told.st_size and where.now() - told.st_mtime < RECENT_SECONDS:
                found.setdefault(path.resolve(), (told.st_mtime, path))
    newest_first = sorted(found.values(), reverse=True)
    if not newest_first:
        return []
    at, newest = newest_first[0]
    together = [path for when, path in newest_first if at - when < TOGETHER_SECONDS or _are_brothers(path, newest)]
    return sorted(together[:MOST])


def written_at(paths: Sequence[Path]) -> float | None:
    """When the last of them was written; None without any."""
    found = []
    for path in paths:
        with suppress(OSError):
            found.append(path.stat().st_mtime)
    return max(found, default=None)


def exactly(paths: Sequence[Path], where: Surroundings) -> list[LogSource]:
    """Sources for these files alone."""
    return [LogSource(path=glob.escape(str(path.relative_to(where.folder)))) for path in paths]


def lasting(paths: Sequence[Path], where: Surroundings) -> list[LogSource]:
    """Sources for these files and what comes after them: a number or a date in a name will be another one."""
    counts: dict[str, int] = {}
    for path in paths:
        folder = glob.escape(str(path.parent.relative_to(where.folder)))
        name = "*".join(map(glob.escape, NUMBERS.split(path.name)))
        pattern = name if folder == "." else f"{folder}/{name}"
        counts[pattern] = counts.get(pattern, 0) + 1
    return [LogSource(path=pattern, all=count > 1) for pattern, count in counts.items()]


def _are_brothers(one: Path, other: Path) -> bool:
    """Whether the names differ in numbers only, as those of workers' logs do."""
    return one.parent == other.parent and NUMBERS.sub("0", one.name) == NUMBERS.sub("0", other.name)
