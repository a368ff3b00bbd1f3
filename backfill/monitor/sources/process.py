"""What can be seen of a process from outside: its use of the machine, and where it writes."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from backfill.monitor.readings import Process, Reading
from backfill.monitor.sources import words
from backfill.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

T = TypeVar("T")

MOST_OPEN: Final = 10_000  # files of a process that are gone through
STOPPED: Final = ("stopped", "tracing-stop")
ENDED: Final = ("zombie", "dead")
Used = dict[str, list[float]]  # seconds of CPU, and when that was, by process


def used(processes: "Sequence[psutil.Process]", now: float) -> Used:
    """How long each has used a CPU, until now."""
    import psutil

    found: Used = {}
    for one in processes:
        with suppress(psutil.Error, OSError):
            times = one.cpu_times()
            found[_key(one)] = [times.user + times.system, now]
    return found


def described(
    processes: "Sequence[psutil.Process]", before: Mapping[str, Any], after: Used, reading: Reading
) -> list[Process]:
    """Each that is still there; what may not be seen of it is None, and noted."""
    import psutil

    found, hidden = [], []
    for one in processes:
        try:
            made = _described(one, before.get(_key(one)), after.get(_key(one)))
            status = one.status()
        except (psutil.NoSuchProcess, OSError):  # it ended a moment ago
            continue
        found.append(made)
        if status in STOPPED:
            said = f"pid {one.pid} is stopped, by a signal or Ctrl-Z; let it go on: kill -CONT {one.pid}"
            reading.notes.append(said)
        elif status in ENDED:
            reading.notes.append(f"pid {one.pid} has ended, and its parent has not taken note (a zombie)")
        elif made.open_files is None:
            hidden.append(str(made.pid))
    if hidden:
        shown = ", ".join(hidden[:5])
        reading.notes.append(f"open files are its owner's to see (pid {shown}); run this as the same user to see them")
    return found


def has_ended(one: "psutil.Process") -> bool:
    """Whether it is a zombie; False also for what is not even that any more."""
    import psutil

    with suppress(psutil.Error, OSError):
        return one.status() in ENDED
    return False


def _key(one: "psutil.Process") -> str:
    return f"{one.pid} {one.create_time():.1f}"


def _described(one: "psutil.Process", before: Any, after: list[float] | None) -> Process:
    import psutil

    with one.oneshot():
        folder = _folder(one)
        disk = None
        with suppress(OSError):
            disk = None if folder is None else shutil.disk_usage(folder)
        command = _seen(one.cmdline) or []
        with suppress(psutil.AccessDenied):
            command = command or [one.name()]
        memory = _seen(one.memory_info)
        return Process(
            pid=one.pid,
            command=words.shown(command),
            started_at=one.create_time(),
            cpu_percent=_share(before, after),
            memory_bytes=memory.rss if memory else None,
            open_files=_seen(one.num_fds),
            folder=None if folder is None else one_line(folder, 500),
            free_bytes=disk.free if disk else None,
            is_stopped=one.status() in (*STOPPED, *ENDED),
            disk_bytes=disk.total if disk else None,
        )


def _seen(what: "Callable[[], T]") -> T | None:
    """What can be seen; None where it is somebody else's, or of a process that has just ended."""
    import psutil

    try:
        return what()
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return None


def _share(before: Any, after: list[float] | None) -> float | None:
    """Percent of one core between two readings."""
    try:
        seconds = after[1] - before[1] if after else 0.0
        return None if seconds <= 0 or after is None else max(0.0, 100 * (after[0] - before[0]) / seconds)
    except (TypeError, IndexError, KeyError):  # nothing is remembered, or nothing that we wrote
        return None


def _folder(one: "psutil.Process") -> str | None:
    """Where the file is that grew last, of those that it has open to write; without any, where it stands."""
    written: list[tuple[float, str]] = []
    if (_seen(one.num_fds) or 0) <= MOST_OPEN:
        for file in _seen(one.open_files) or []:
            if getattr(file, "mode", "r") != "r":
                with suppress(OSError):
                    written.append((os.stat(file.path).st_mtime, file.path))
    if written:
        return str(Path(max(written)[1]).parent)
    return _seen(one.cwd) or None
