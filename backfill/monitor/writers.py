"""The processes behind logs that grow, or that work in this folder under a name that says so."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backfill.monitor.profile import ProcessSource
from backfill.monitor.sources import naming
from backfill.monitor.surroundings import Surroundings

if TYPE_CHECKING:
    import psutil

MOST: Final = 16
SECONDS: Final = 2.0  # for looking through what processes have open
WORDS: Final = re.compile(r"(?i)backfill|worker|migrat|ingest|import|sync|load")
# What writes for others: those before it in the pipe are meant.
PASSING: Final = {"tee", "ts", "rotatelogs", "cronolog", "multilog", "svlogd", "logger", "stdbuf", "sed", "awk"}
RUNNING: Final = re.compile(r"(python|pypy|node|deno|bun|ruby|perl|php|java|Rscript|bash|sh|dash|zsh|ksh)[\d.]*")


def processes(where: Surroundings, logs: Sequence[Path], *, by_words: bool, lasting: bool) -> list[ProcessSource]:
    """Sources for those that write the logs, else for those in the folder whose names say what they do.

    For a profile that is to last they are named by words, as their pids will be others.
    """
    try:
        import psutil  # noqa: F401
    except ImportError:  # the report says so where somebody asks for a process
        return []
    found = _writing(logs)
    if not found and by_words:
        found = [one for one in _of_folder(where.folder) if WORDS.search(_name(one.cmdline()) or "")]
    return list(_sources(found[:MOST], lasting=lasting))


def _writing(logs: "Sequence[Path]") -> "list[psutil.Process]":
    """Those that have one of the logs open to write to it, or stand before what does."""
    import psutil

    paths = {str(path.resolve()) for path in logs}
    until = time.monotonic() + SECONDS
    writing, groups = [], set()
    for one in naming.others():
        if not paths or time.monotonic() > until:
            break
        with suppress(psutil.Error, OSError):
            if any(file.path in paths and getattr(file, "mode", "w") != "r" for file in one.open_files()):
                if _program(one.cmdline()) in PASSING:
                    groups.add(os.getpgid(one.pid))
                else:
                    writing.append(one)
    for one in naming.others() if groups else ():
        with suppress(OSError):  # of any that ends just now
            if os.getpgid(one.pid) in groups and one not in writing:
                writing.append(one)
    return _meant(writing)


def _of_folder(folder: Path) -> "list[psutil.Process]":
    import psutil

    found = []
    for one in naming.others():
        with suppress(psutil.Error, OSError):
            if Path(one.cwd()).is_relative_to(folder.resolve()):
                found.append(one)
    return _meant(found)


def _meant(found: "Sequence[psutil.Process]") -> "list[psutil.Process]":
    """Those that run something, without what they run in turn; and what starts them where there is nothing else."""
    import psutil

    kinds: dict[str | None, list[psutil.Process]] = {}
    for one in found:
        with suppress(psutil.Error, OSError):
            if (command := one.cmdline()) and _program(command) not in PASSING:
                kinds.setdefault(naming.kind(command), []).append(one)
    running = kinds.get("running") or kinds.get("starting") or []
    return [one for one in running if not _is_part(one, running)]


def _is_part(one: "psutil.Process", others: "Sequence[psutil.Process]") -> bool:
    """Whether another of them runs it, as a script does a program; workers of one name each count."""
    import psutil

    with suppress(psutil.Error, OSError):
        above = [other for other in one.parents() if other in others]
        return any(_name(other.cmdline()) != _name(one.cmdline()) for other in above)
    return True  # it ended a moment ago


def _sources(found: "Sequence[psutil.Process]", *, lasting: bool) -> Iterator[ProcessSource]:
    """One for those of one name, where that name is nobody else's; else one for each pid."""
    import psutil

    names: dict[str, list[psutil.Process]] = {}
    for one in found:
        with suppress(psutil.Error, OSError):
            names.setdefault(_name(one.cmdline()) or "", []).append(one)
    for name, same in names.items():
        is_theirs = bool(name) and {one.pid for one in naming.matching(name)} == {one.pid for one in same}
        if is_theirs and (lasting or len(same) > 1):
            yield ProcessSource(name=name, all=len(same) > 1)
        elif not lasting:
            yield from (ProcessSource(pid=one.pid) for one in same)


def _program(command: Sequence[str]) -> str:
    return Path(command[0]).name if command else ""


def _name(command: Sequence[str]) -> str | None:
    """The word that tells the program from others: of what an interpreter runs, that."""
    program, *rest = command or [""]
    if RUNNING.fullmatch(Path(program).name):
        words = [word for word in rest if not word.startswith("-")]
        return Path(words[0]).name if words and "-c" not in rest[:2] and "-e" not in rest[:2] else None
    return Path(program).name or None
