"""One look at one file: on from where the last one ended, also when the file was rotated meanwhile."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backfill.monitor.logs import kept as keeping
from backfill.monitor.logs import since
from backfill.monitor.logs.gzipped import Unpacking
from backfill.monitor.logs.kept import Kept
from backfill.monitor.logs.lines import Block
from backfill.monitor.logs.opened import Opened, opened
from backfill.monitor.logs.rotation import found_again
from backfill.monitor.logs.saying import Reader
from backfill.monitor.logs.scan import Scanner
from backfill.monitor.logs.stamps import Stamps
from backfill.monitor.logs.tally import Tally
from backfill.monitor.patterns import Patterns
from backfill.monitor.profile import Profile
from backfill.monitor.readings import Remembered
from backfill.monitor.surroundings import Surroundings
from backfill.texts import one_line

SETTLED: Final = 5.0  # seconds after which half a line at the end is taken for a whole one
ROUNDS: Final = 3  # that a log may be rotated in while it is read
SCALE: Final = 1_000_000


@dataclass
class Followed:
    """What came of one file."""

    path: str
    size: int = 0
    seen: int = 0
    begin: int = 0
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
            before = None if self.is_one_of_several else self._ended(kept, file, followed)
            kept = keeping.begun(self.settings, file, 0, before)
        half = self._on(file, kept, followed)
        kept.ranges.newest.dated(file.written_at)
        kept.know(file)
        return kept, half

    def _begin(self, file: Opened) -> int:
        if self.where.since is None or file.is_gzip:
            return 0
        return since.begin(file, self.stamps(file.written_at), self.where.since)

    def _on(self, file: Opened, kept: Kept, followed: Followed) -> bytes:
        scanner = self.scanner(file.path, file.written_at)
        if not file.is_gzip:
            return kept.ranges.read(file, scanner, self.is_time_up)
        # What can only be read from its beginning has no back.
        kept.ranges.back = None
        unpacking = Unpacking(file, self.is_time_up)
        half = kept.ranges.stream(unpacking.pieces(kept.ranges.front_end), scanner, self.is_time_up)
        followed.is_whole = unpacking.is_whole or unpacking.why is not None
        if unpacking.why is not None:
            followed.problems.append(unpacking.why)
        return half

    def _ended(self, kept: Kept, now: Opened, followed: Followed) -> Tally:
        """What a file adds up to that has lost its name, with what was written to it since it was read."""
        path = found_again(kept, now)
        if path is None:
            followed.notes.append("rotated: the file before it is gone; what was read of that counts")
            return kept.before.then(kept.ranges.joined())
        followed.notes.append(f"rotated: the rest of the file before it was read from {one_line(Path(path).name, 200)}")
        with opened(path) as file:
            half, end = self._on(file, kept, followed), kept.ranges.end
            tally = kept.before.then(kept.ranges.joined())
            if half:
                self.scanner(path, file.written_at).scan(Block(end, half + b"\n", len(half)), tally)
        return tally

    def _tell(self, file: Opened, kept: Kept, half: bytes, followed: Followed) -> None:
        ranges = kept.ranges
        followed.kept = keeping.written(kept)
        followed.size, followed.written_at = file.size, file.written_at
        followed.seen, followed.begin = ranges.seen, ranges.begin
        if not file.is_gzip:
            followed.is_whole = ranges.back is None and ranges.front_end + len(half) >= file.size
        followed.is_numbered = ranges.back is None and ranges.begin == 0 and kept.before.lines == 0
        end = ranges.end
        followed.tally = kept.before.then(ranges.joined())
        if half and (file.is_gzip or self.where.now() - file.written_at >= SETTLED):
            self.scanner(file.path, file.written_at).scan(Block(end, half + b"\n", len(half)), followed.tally)

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
