"""Finds and ends processes by what they carry, so that a recycled process id is never trusted."""

import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeAlias

from backfill.errors import UsageError

try:
    import psutil
except ImportError as missing:
    raise UsageError("private services need psutil: pip install 'backfill-toolkit[services]'") from missing

Process: TypeAlias = psutil.Process


def of(pid: int) -> Process | None:
    """The process of this id, None when it has gone."""
    with suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def started_with(pid: int, argument: str) -> Process | None:
    """The process of this id, None unless it runs and has the argument on its command line."""
    with suppress(psutil.Error):
        found = psutil.Process(pid)
        if argument in found.cmdline():
            return found
    return None


def carrying(name: str, value: str) -> list[Process]:
    """Processes that run and have the variable in the environment they were started with."""
    # A zombie has no environment any more, and those of others cannot be read.
    return [
        one
        for one in psutil.process_iter(["environ"])
        if one.info["environ"] and one.info["environ"].get(name) == value and one.is_running()
    ]


def family(parent: Process) -> list[Process]:
    """A process and its direct children."""
    with suppress(psutil.NoSuchProcess):
        return [parent, *parent.children()]
    return [parent]


def ended(process: Process) -> bool:
    """True when it no longer runs, even if nobody has taken its entry away yet."""
    with suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def unreaped(pid: int) -> bool:
    """True for a process that has ended but whose entry nobody took away yet."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return False


def kill(processes: Iterable[Process]) -> None:
    """SIGKILL, then wait until none of them runs."""
    doomed = list(processes)
    for one in doomed:
        send(one, signal.SIGKILL)
    wait_ended(doomed, deadline=10)


def send(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process that may have ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def wait_ended(processes: Iterable[Process], *, deadline: float) -> bool:
    """True as soon as none of the processes runs, False at the deadline."""
    # Not psutil's own wait: it goes on for a zombie, which in some containers nobody ever reaps, and it takes
    # the exit code of a child away from whoever started it.
    until = time.monotonic() + deadline
    watched = list(processes)
    while not all(map(ended, watched)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
