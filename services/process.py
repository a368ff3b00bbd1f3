"""Finds and ends processes by what they carry, so that a recycled process id is never trusted."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def alive(pid: int) -> bool:
    """True while the process runs; a zombie that nobody reaped does not count."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def unreaped(pid: int) -> bool:
    """True for a process that has ended but whose entry nobody took away yet."""
    return (PROC / str(pid)).exists() and not alive(pid)


def arguments(pid: int) -> list[str]:
    """The command line of a process, empty when it is gone."""
    return _entries(PROC / str(pid) / "cmdline")


def carrying(mark: str) -> list[int]:
    """Processes that have the line ``NAME=value`` in the environment they were started with."""
    return [pid for pid in _pids() if mark in _entries(PROC / str(pid) / "environ") and alive(pid)]


def children(parent: int) -> list[int]:
    """Direct children of a process."""
    return [pid for pid in _pids() if _parent(pid) == parent and alive(pid)]


def kill(pids: Iterable[int]) -> None:
    """SIGKILL, then wait until none of them runs."""
    doomed = list(pids)
    for pid in doomed:
        send(pid, signal.SIGKILL)
    wait_gone(doomed, deadline=10)


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def wait_gone(pids: Iterable[int], *, deadline: float) -> bool:
    """True as soon as none of the processes runs, False at the deadline."""
    until = time.monotonic() + deadline
    watched = list(pids)
    while any(alive(pid) for pid in watched):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.glob("[0-9]*")]


def _parent(pid: int) -> int | None:
    try:
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def _entries(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
