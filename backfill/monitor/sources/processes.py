"""Processes of this machine, found by words of their command line, by pid, or by a file that holds one."""

import asyncio
import stat
from typing import TYPE_CHECKING, Final

from backfill.monitor.profile import ProcessSource, Profile
from backfill.monitor.readings import Problem, Processes, Reading, Remembered
from backfill.monitor.sources import naming, process, words
from backfill.monitor.surroundings import Surroundings
from backfill.texts import counted, one_line

if TYPE_CHECKING:
    import psutil

MOST: Final = 64  # processes that are looked at closely
SAMPLE_SECONDS: Final = 0.2  # for the use of a CPU, where nothing is remembered
SAME_SECONDS: Final = 2.0  # by which two readings of one start may differ: clocks are set
WRITTEN_SECONDS: Final = 5.0  # by which a process may be younger than the file that it has written
MOST_OF_A_FILE: Final = 4096
MISSING: Final = "processes need psutil: pip install 'backfill-toolkit[monitor]'"


async def read(
    source: ProcessSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """The processes that are meant, of which there may be none; whatever is in the way is a problem."""
    del profile
    reading = Reading(name(source), "process", where.now())
    try:
        sought = await asyncio.to_thread(_sought, source, where, remembered, reading)
        before = remembered.get("cpu")
        before = before if isinstance(before, dict) else {}
        cpu = await asyncio.to_thread(process.used, sought, where.now())
        if any(key not in before for key in cpu):
            await asyncio.sleep(SAMPLE_SECONDS)
            before, cpu = {**cpu, **before}, await asyncio.to_thread(process.used, sought, where.now())
        found = await asyncio.to_thread(process.described, sought, before, cpu, reading)
    except ImportError:
        reading.problems.append(Problem(reading.source, MISSING))
        return reading, remembered
    except ValueError as error:
        reading.problems.append(Problem(reading.source, one_line(error)))
        return reading, remembered
    reading.processes = Processes(said(source), found, is_every_one_meant=source.all)
    reading.seen = f"{counted(len(found), 'process', 'processes')} found"
    kept: Remembered = {"cpu": cpu}
    if len(found) == 1:
        kept |= {"pid": found[0].pid, "started": found[0].started_at}
    elif not found:  # what was seen last is still what a pid stood for
        kept |= {key: remembered[key] for key in ("pid", "started") if key in remembered}
    return reading, kept


def name(source: ProcessSource) -> str:
    """What the source is called in a report."""
    return f"process {said(source)}"


def said(source: ProcessSource) -> str:
    """What is sought, in words."""
    if source.name is not None:
        return words.shown(source.name.split(), 80)
    return f"pid {source.pid}" if source.pid is not None else f"of {one_line(source.pid_file, 80)}"


def _sought(
    source: ProcessSource, where: Surroundings, remembered: Remembered, reading: Reading
) -> "list[psutil.Process]":
    """What matches and lives; raises ValueError where nobody can say what is meant."""
    if source.name is not None:
        found = naming.matching(source.name) or _last(remembered)
        if len(found) > MOST:
            reading.notes.append(f"{len(found):,} processes match; {MOST} of them are looked at")
        return found[:MOST]
    pid = source.pid
    written = None
    if source.pid_file is not None:
        pid, written = _of_file(source.pid_file, where) or (remembered.get("pid"), None)
        if pid is None:
            raise ValueError(f"there is no file {one_line(source.pid_file, 100)}; start it, or correct pid_file")
    one = _alive(pid)
    if one is None:
        reading.notes.append(f"there is no process with pid {pid}")
        return []
    if not _is_same(one, remembered) or (written is not None and one.create_time() > written + WRITTEN_SECONDS):
        reading.notes.append(f"pid {pid} is another process now: the one that was meant has ended")
        return []
    return [one]


def _alive(pid: int | None) -> "psutil.Process | None":
    import psutil

    try:
        return psutil.Process(pid)
    except (psutil.Error, ValueError, OverflowError):
        return None


def _is_same(one: "psutil.Process", remembered: Remembered) -> bool:
    """Whether it is the one that the pid stood for when it was seen last."""
    started = remembered.get("started")
    if remembered.get("pid") != one.pid or not isinstance(started, int | float):
        return True
    return abs(one.create_time() - started) <= SAME_SECONDS


def _last(remembered: Remembered) -> "list[psutil.Process]":
    """What was found by name before, while it is there as a zombie: that has no command line any more."""
    pid = remembered.get("pid")
    one = _alive(pid) if isinstance(pid, int) else None
    return [one] if one is not None and _is_same(one, remembered) and process.has_ended(one) else []


def _of_file(name: str, where: Surroundings) -> tuple[int, float] | None:
    """The pid in the file, and when that was written; None without a file, ValueError for what is no pid."""
    path = where.folder / name
    shown = one_line(name, 100)
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # to open a pipe waits for its writer, and leaving it ends that
            raise ValueError(f"{shown} is no file; correct pid_file")
        with path.open("rb") as file:
            text = file.read(MOST_OF_A_FILE).decode("utf-8", "replace").strip()
        written = found.st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"cannot read {shown} ({error.strerror}); correct pid_file, or its rights") from error
    first = text.split()[0] if text else ""
    if not first.isdecimal() or not 0 < int(first[:12]) < 1 << 31:
        raise ValueError(f"{shown} holds {one_line(text, 40)!r}, no pid; correct pid_file")
    return int(first[:12]), written
