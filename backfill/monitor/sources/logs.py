"""Log files and standard input: what their lines add up to, the newest first, and on from where the last look ended."""

import asyncio
import glob
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from backfill.monitor import patterns
from backfill.monitor.logs import kept as keeping
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.lines import Block
from backfill.monitor.logs.opened import PRINTED, Opened, opened
from backfill.monitor.logs.ranges import Ranges
from backfill.monitor.logs.saying import Reader
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.logs.telling import tell
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.readings import Problem, Reading, Remembered
from backfill.monitor.surroundings import Surroundings

SETTLED: Final = 5.0  # seconds after which half a line at the end is taken for a whole one


async def read(
    source: LogSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the log tells; whatever is in the way is a problem."""
    return await asyncio.to_thread(_read, source, profile, where, remembered)


def _read(
    source: LogSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    reading = Reading(name(source), "log", where.now())
    deadline = time.monotonic() + where.read_seconds
    look = _Look(profile, where, reading, lambda: time.monotonic() >= deadline)
    try:
        path = _newest(source, where)
        return reading, look.file(path, remembered)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reading.problems.append(Problem(reading.source, f"cannot be read: {why}"))
    return reading, remembered


def name(source: LogSource) -> str:
    """What the source is called in a report."""
    return f"log {source.path}"


def _newest(source: LogSource, where: Surroundings) -> str:
    found = glob.glob(os.path.expanduser(source.path), root_dir=where.folder, recursive=True)
    paths = [str(where.folder / one) for one in found]
    dated = sorted((os.stat(one).st_mtime, one) for one in paths if os.path.isfile(one))
    if not dated:
        raise ValueError(f"there is no file {source.path}; name the log that the program writes")
    return dated[-1][1]


class _Look:
    def __init__(self, profile: Profile, where: Surroundings, reading: Reading, is_time_up: Callable[[], bool]) -> None:
        self._profile = profile
        self._where = where
        self._reading = reading
        self._is_time_up = is_time_up
        self._patterns = patterns.compiled(profile.patterns)
        for mistake in self._patterns.mistakes:
            reading.problems.append(Problem(reading.source, mistake))

    def file(self, path: str, remembered: Remembered) -> Remembered:
        with opened(path) as file:
            kept = keeping.read(remembered) if remembered else None
            settings = self._settings()
            if kept is None or kept.settings != settings or (kept.device, kept.inode) != (file.device, file.inode):
                kept = Kept(keeping.VERSION, settings, path, file.device, file.inode, 0, "", Ranges(), Tally())
            scanner = self._scanner(file)
            half = kept.ranges.read(file, scanner, self._is_time_up)
            kept.printed = min(file.size, PRINTED)
            kept.print = file.printed(kept.printed)
            remembered = keeping.written(kept)
            tell(self._reading, kept, file, self._ended(file, kept.ranges, scanner, half))
            return remembered

    def _ended(self, file: Opened, ranges: Ranges, scanner: Scanner, half: bytes) -> Tally:
        tally = Tally()
        if half and self._where.now() - file.written_at >= SETTLED:
            scanner.scan(Block(ranges.end, half + b"\n", len(half)), tally)
        return tally

    def _scanner(self, file: Opened) -> Scanner:
        stamps = Stamps(self._profile.timezone, file.written_at)
        reader = Reader(self._patterns, self._profile.limits.attempts, Path(file.path).stem)
        return Scanner(self._patterns, reader, stamps, self._where.since)

    def _settings(self) -> str:
        by = [self._profile.patterns, self._profile.timezone, self._profile.limits.attempts, self._where.since]
        return hashlib.sha256(json.dumps(by).encode()).hexdigest()[:16]
