"""Log files and standard input: what their lines add up to, the newest first, and on from where the last look ended."""

import asyncio
import os
import shlex
import threading
import time
from typing import Final

from backfill.monitor import growing, patterns
from backfill.monitor.logs import beside, finding, streamed, telling
from backfill.monitor.logs import kept as keeping
from backfill.monitor.logs.looking import Followed, Look
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.readings import Problem, Reading, Remembered
from backfill.monitor.surroundings import Surroundings
from backfill.texts import counted, one_line

MOST_FILES: Final = 1_000  # of one glob
MOST_REMEMBERED: Final = 16  # of those that were the newest in turn


async def read(
    source: LogSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the log tells; whatever is in the way is a problem."""
    is_over = threading.Event()
    try:
        return await asyncio.to_thread(_Source(source, profile, where, is_over).read, remembered)
    finally:
        # A thread cannot be cancelled; the process would wait for it.
        is_over.set()


def name(source: LogSource) -> str:
    """What the source is called in a report."""
    return "log of standard input" if source.is_piped else f"log {source.path}"


class _Source:
    def __init__(self, source: LogSource, profile: Profile, where: Surroundings, is_over: threading.Event) -> None:
        self._is_over = is_over
        self._source = source
        self._profile = profile
        self._where = where
        self._reading = Reading(name(source), "log", where.now())

    def read(self, remembered: Remembered) -> tuple[Reading, Remembered]:
        until, own = self._where.read_until, time.monotonic() + self._where.read_seconds
        self._deadline = own if until is None else until
        look = Look(self._profile, self._where, self._patterns(), self._is_time_up, self._source.all)
        try:
            look.stamps(0.0)
        except ValueError as error:
            self._problem(f"{error}; this machine's is taken")
            look.profile = self._profile.model_copy(update={"timezone": None})
        try:
            if self._source.is_piped:
                self._stdin(look)
                return self._reading, {}
            return self._reading, self._files(look, remembered)
        except (OSError, ValueError) as error:
            self._problem(f"cannot be read: {_why(error)}")
            self._reading.is_whole = False
            return self._reading, remembered

    def _is_time_up(self) -> bool:
        return self._is_over.is_set() or time.monotonic() >= self._deadline

    def _patterns(self) -> patterns.Patterns:
        made = patterns.compiled(self._profile.patterns)
        for mistake in made.mistakes:
            self._problem(mistake)
        return made

    def _files(self, look: Look, remembered: Remembered) -> Remembered:
        paths = self._found()
        look.files = len(paths) if self._source.all else 1
        known = keeping.known(remembered)
        kept, seen, size = {}, 0, 0
        for path in paths if self._source.all else paths[-1:]:
            try:
                followed = look.file(path, keeping.of(known, path))
            except (OSError, ValueError) as error:
                self._problem(f"{self._place(path)}: cannot be read: {_why(error)}")
                self._reading.is_whole = False
                continue
            self._reading.files.append(os.path.realpath(path))
            if followed.kept is not None:
                kept[path] = followed.kept
            seen, size = seen + followed.seen, size + followed.size - followed.begin
            self._put(followed, look, is_one=not self._source.all)
        if size:
            # What is packed unpacks to more than its size.
            part = f"{_size(seen)} of {_size(size)}" if seen <= size else f"{_size(seen)} so far"
            self._reading.seen = f"{_size(size)}, whole" if self._reading.is_whole else part
        if size and self._source.all:
            self._reading.seen += f" in {counted(len(paths), 'file')}"
        if not self._source.all:
            others = [(path, one) for path, one in keeping.files(remembered).items() if path not in kept]
            kept = {**dict(others[-MOST_REMEMBERED + 1 :]), **kept}
        return {"files": kept}

    def _found(self) -> list[str]:
        dated: dict[tuple[int, int], tuple[int, str]] = {}
        for path in finding.found(self._source.path, self._where.folder, self._is_time_up):
            try:
                told = os.stat(path)
            except OSError:
                continue  # it is gone already
            file = told.st_dev, told.st_ino
            # A link beside its file is the same one, and the file's own name is the better.
            if not os.path.isdir(path) and (file not in dated or not os.path.islink(path)):
                dated[file] = told.st_mtime_ns, path
        if not dated and os.path.isdir(os.path.join(self._where.folder, os.path.expanduser(self._source.path))):
            path = one_line(self._source.path, 200)
            raise ValueError(f"{path} is a folder; name a file in it, such as {shlex.quote(f'{path}/*.log')}")
        if not dated:
            raise ValueError(f"there is no file {one_line(self._source.path, 200)}; name the log of the program")
        if self._source.all and len(dated) > MOST_FILES:
            self._problem(
                f"there are {counted(len(dated), 'file')}, and the newest {MOST_FILES:,} are read; name fewer"
            )
        found = sorted(dated.values())
        near = [at for at, _ in found if at > found[-1][0] - growing.TOGETHER_SECONDS * 10**9]
        if not self._source.all and len(near) > 1:
            # Of a crew with a log each this is one worker.
            self._reading.notes.append(
                f"the newest of {counted(len(near), 'file')} that grow together is read; all = true reads every one"
            )
        return [path for _, path in found][-MOST_FILES:]

    def _put(self, followed: Followed, look: Look, is_one: bool) -> None:
        reading, place = self._reading, self._place(followed.path)
        one = reading if is_one else Reading(reading.source, "log", reading.at)
        telling.told(one, followed.tally, place, followed.is_numbered, look.stamps(0.0).zone)
        if one.newest_at is None and followed.size:
            one.newest_at = followed.written_at
        one.written_at = followed.written_at or None
        one.is_whole = one.is_whole and followed.is_whole
        one.notes[:0] = followed.notes
        for problem in followed.problems:
            self._problem(f"{place} {problem}")
        if followed.size == 0 and not followed.problems and not followed.tally.lines:
            self._problem(f"{place} is empty; see whether the program writes there")
        if not is_one:
            beside.put(reading, one, place)

    def _stdin(self, look: Look) -> None:
        reading, stdin = self._reading, self._where.stdin
        if stdin is None:
            self._problem("there is no standard input; give it a log: program | backfill monitor --log -")
            return
        stream = streamed.read(stdin, look.scanner("stdin", self._where.now()), self._is_time_up)
        reading.is_whole = stream.is_ended
        reading.seen = f"{_size(stream.size)}{', whole' if stream.is_ended else ' so far'}"
        telling.told(reading, stream.tally, "stdin", is_numbered=True, zone=look.stamps(0.0).zone)
        if stream.is_packed:
            self._problem("is packed with gzip; unpack it on the way: zcat FILE | backfill monitor --log -")
        elif stream.size == 0 and not stream.is_ended:
            self._problem(
                f"nothing came within {self._where.read_seconds:.0f} s; see whether the program before it writes"
            )
        elif stream.size == 0:
            self._problem("is empty; see whether the program writes there")

    def _place(self, path: str) -> str:
        folder = str(self._where.folder)
        is_below = path.startswith(folder + os.sep)
        return one_line(os.path.relpath(path, folder) if is_below else path, 300)

    def _problem(self, text: str) -> None:
        self._reading.problems.append(Problem(self._reading.source, text))


def _size(size: int) -> str:
    if size < 1_000_000:
        return f"{size / 1_000:,.0f} KB" if size >= 1_000 else counted(size, "byte")
    return f"{size / 1_000_000:,.1f} MB" if size < 10**10 else f"{size / 10**9:,.1f} GB"


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "permission denied; run it as a user who may read the log"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
