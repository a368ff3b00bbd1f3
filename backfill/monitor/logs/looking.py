"""One look at one file: on from where the last one ended, also when the file was rotated meanwhile."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from backfill.monitor.logs import kept as keeping
from backfill.monitor.logs import since
from backfill.monitor.logs.earlier import given_up, succeeded
from backfill.monitor.logs.gzipped import Unpacking
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.lines import Block
from backfill.monitor.logs.opened import Opened, opened
from backfill.monitor.logs.rotation import found_again
from backfill.monitor.logs.saying import Reader
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.logs.ways import FEWEST_POINTS
from backfill.monitor.patterns import Patterns
from backfill.monitor.profile import Profile
from backfill.monitor.readings import Remembered
from backfill.monitor.surroundings import Surroundings
from backfill.texts import one_line

SETTLED: Final = 5.0  # seconds after which half a line at the end is taken for a whole one
ROUNDS: Final = 3  # that a log may be rotated in while it is read
FEWER: Final = ((256, FEWEST_POINTS), (64, 16))  # more files than that have fewer points of each worker


@dataclass
class Followed:
    """What came of one file."""

    path: str
    size: int = 0
    seen: int = 0
    begin: int = 0
    earlier_size: int = 0  # of the file before it that is read on
    earlier_seen: int = 0
    written_at: float = 0.0
    is_whole: bool = True
    is_numbered: bool = False
    tally: Tally = field(default_factory=Tally)
    kept: Remembered | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Look:
    """By what all files of a source are read."""

    profile: Profile
    where: Surroundings
    patterns: Patterns
    is_time_up: Callable[[], bool]
    is_one_of_several: bool = False  # what was rotated is read beside it, not with it
    files: int = 1  # that are read by it

    @property
    def settings(self) -> str:
        """What must be the same for a look to go on where another ended."""
        limits = self.profile.limits
        by = [self.profile.patterns, self.profile.timezone, limits.attempts, self.where.since, keeping.VERSION]
        return hashlib.sha256(json.dumps(by).encode()).hexdigest()[:16]

    def file(self, path: str, kept: Kept | None) -> Followed:
        """Read a file; raises OSError when it cannot be opened, and ValueError when it is none."""
        followed = Followed(path)
        for _ in range(ROUNDS):
            with opened(path) as file:
                if not file.is_gzip and (why := file.why_not_text()):
                    followed.problems.append(why)
                    followed.is_whole = False
                    return followed
                kept, half = self._read(file, kept, followed)
                if not _is_rotated(file, kept):
                    self._tell(file, kept, half, followed)
                    return followed
        followed.problems.append("is rotated faster than it can be read; look again")
        return followed

    def _read(self, file: Opened, kept: Kept | None, followed: Followed) -> tuple[Kept, bytes]:
        if kept is None or kept.settings != self.settings:
            kept = keeping.begun(self.settings, file, self._begin(file))
        elif not kept.is_of(file):
            is_alone = not self.is_one_of_several
            kept = succeeded(kept, file, self.stamps) if is_alone else keeping.begun(self.settings, file, 0)
        half, followed.is_whole = self._on(file, kept, followed)
        kept.ranges.newest.dated(file.written_at)
        kept.know(file)
        # Beside what a link leads to are those that it led to before.
        kept.path = os.path.realpath(file.path)
        followed.earlier_size = followed.earlier_seen = 0
        while kept.earlier and self._read_on(kept, file, followed):
            pass
        return kept, half

    def _begin(self, file: Opened) -> int:
        if self.where.since is None or file.is_gzip:
            return 0
        return since.begin(file, self.stamps(file.written_at), self.where.since)

    def _on(self, file: Opened, kept: Kept, followed: Followed) -> tuple[bytes, bool]:
        """Read on; the half line at the end, and whether that is the end."""
        scanner, ranges = self.scanner(file.path, file.written_at), kept.ranges
        if not file.is_gzip:
            half = ranges.read(file, scanner, self.is_time_up)
            return half, ranges.back is None and ranges.front_end + len(half) >= file.size
        # What can only be read from its beginning has no back.
        ranges.back = None
        unpacking = Unpacking(file, self.is_time_up)
        half = ranges.stream(unpacking.pieces(ranges.front_end), scanner, self.is_time_up)
        if unpacking.why is not None:
            followed.problems.append(unpacking.why)
        return half, unpacking.is_whole or unpacking.why is not None

    def _read_on(self, kept: Kept, now: Opened, followed: Followed) -> bool:
        """Read on in the first of the files before it; whether that is done with."""
        old = kept.earlier[0]
        path = found_again(old, now)
        if path is None:
            followed.notes.append(self._gone(old, now))
            given_up(kept)
            return True
        name = one_line(Path(path).name, 200)
        with opened(path) as file:
            half, is_whole = self._on(file, old, followed)
            old.ranges.newest.dated(file.written_at)
            if is_whole:
                self._half(file, old, half, old.ranges.newest)
                given_up(kept)
                followed.notes.append(f"rotated: the rest of the file before it was read from {name}")
                return True
            old.know(file)
            followed.earlier_size, followed.earlier_seen = file.size, old.ranges.seen
        followed.notes.append(f"rotated: the file before it, {name}, is not read to its end yet")
        return False

    def _gone(self, old: Kept, now: Opened) -> str:
        at = old.ranges.newest.newest_at
        if (old.device, old.inode) != (now.device, now.inode) or at is None:
            return "rotated: the file before it is gone; what was read of that counts"
        since = datetime.fromtimestamp(int(at) + 1, UTC).isoformat()
        return f"emptied, or written anew: what was read of it before counts too; leave that out with: --since {since}"

    def _thin(self, kept: Kept) -> None:
        """Keep less of each file where there are many, so that what is remembered has a bound."""
        most = next((points for many, points in FEWER if self.files > many), None)
        if most is not None:
            for one in (kept, *kept.earlier):
                for tally in (one.before, one.ranges.front, one.ranges.newest):
                    tally.keep_few(most)

    def _half(self, file: Opened, kept: Kept, half: bytes, tally: Tally) -> None:
        """Count the line that has no end."""
        if half:
            self.scanner(file.path, file.written_at).scan(Block(kept.ranges.end, half + b"\n"), tally)

    def _tell(self, file: Opened, kept: Kept, half: bytes, followed: Followed) -> None:
        ranges = kept.ranges
        self._thin(kept)
        followed.kept = keeping.written(kept)
        followed.size, followed.written_at = file.size + followed.earlier_size, file.written_at
        followed.seen, followed.begin = ranges.seen + followed.earlier_seen, ranges.begin
        followed.is_whole = followed.is_whole and not kept.earlier and not kept.lost
        if kept.lost:
            followed.notes.append(f"rotated: {kept.lost:,} bytes before it were gone before they were read")
        is_first = kept.before.lines == 0 and not kept.earlier
        followed.is_numbered = ranges.back is None and ranges.begin == 0 and is_first
        if file.is_gzip or self.where.now() - file.written_at >= SETTLED:
            self._half(file, kept, half, ranges.newest)
        while kept.earlier:
            given_up(kept)
        followed.tally = kept.before.then(ranges.joined())

    def scanner(self, path: str, written_at: float) -> Scanner:
        """For the lines of that file."""
        reader = Reader(self.patterns, self.profile.limits.attempts, Path(path).stem)
        return Scanner(self.patterns, reader, self.stamps(written_at), self.where.since)

    def stamps(self, written_at: float) -> Stamps:
        """For the times in a file that was last written then."""
        return Stamps(self.profile.timezone, written_at)


def _is_rotated(file: Opened, kept: Kept) -> bool:
    """Whether its name was given to another, or it was emptied, while it was read."""
    try:
        with opened(file.path) as now:
            return (now.device, now.inode) != (file.device, file.inode) or not kept.is_of(now)
    except (OSError, ValueError):
        return False  # it is gone: what was read is all there is
