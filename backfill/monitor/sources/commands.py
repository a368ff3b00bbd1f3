"""What a program of the user's prints: a number, or a JSON object; run without a shell, and never for long."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from backfill.monitor import zones
from backfill.monitor.profile import CommandSource, Profile
from backfill.monitor.readings import Problem, Reading, Remembered
from backfill.monitor.sources import printed, words
from backfill.monitor.surroundings import Surroundings
from backfill.texts import one_line

MOST_PRINTED: Final = 1 << 20  # bytes
MOST_SAID: Final = 1 << 16  # of stderr
LEAVE_SECONDS: Final = 1.0  # after SIGTERM
LINGER_SECONDS: Final = 0.3  # for what others print once the program has ended


async def read(
    source: CommandSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the program prints; a program that fails, hangs or prints something else is a problem."""
    reading = Reading(name(source), "command", where.now())
    try:
        naive = zones.named(profile.timezone)
        command = _words(source, where)
        text = await _run(command, source.timeout, where, reading)
        printed.take(text, source.measures, naive, reading)
    except ValueError as error:
        reading.problems.append(Problem(reading.source, one_line(error)))
    return reading, remembered


def name(source: CommandSource) -> str:
    """What the source is called in a report."""
    said = source.run.split() if isinstance(source.run, str) else source.run
    return f"command {words.shown(said, 80)}"


def _words(source: CommandSource, where: Surroundings) -> list[str]:
    found = words.split(source.run, where.folder) if isinstance(source.run, str) else source.run
    if not found or not found[0]:
        raise ValueError("run names no program; write one, such as wc -l output/*.csv")
    return found


async def _run(command: Sequence[str], seconds: float, where: Surroundings, reading: Reading) -> str:
    """What it prints; raises ValueError saying why there is nothing to be taken from it."""
    began = time.monotonic()
    program = one_line(command[0], 100)
    try:
        transport, heard = await asyncio.get_running_loop().subprocess_exec(
            _Heard,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a group of its own, which can be ended as a whole
            cwd=where.folder,
            env=dict(where.environ),
        )
    except FileNotFoundError:
        raise ValueError(f"there is no program {program!r}; install it, or correct run") from None
    except PermissionError:
        raise ValueError(f"{program!r} may not be executed; chmod +x it, or name what runs it") from None
    except OSError as error:
        raise ValueError(f"cannot start {program!r} ({error.strerror}); correct run, or name what runs it") from error
    try:
        async with asyncio.timeout(seconds):
            await heard.done.wait()
    except TimeoutError:
        raise ValueError(
            f"{program!r} was stopped after {seconds:g} s; make it quicker, or give it more timeout"
        ) from None
    finally:
        await _end(transport, heard)
    code = transport.get_returncode()
    if heard.is_too_much:
        raise ValueError(f"{program!r} prints more than 1 MB; have it print one number or one JSON object")
    if code:
        raise ValueError(f"{program!r} failed with {_ending(code)}{_last(heard.said)}; correct it, or run it by hand")
    reading.seen = f"ended well after {time.monotonic() - began:.1f} s"
    return bytes(heard.printed).decode("utf-8", "replace")


class _Heard(asyncio.SubprocessProtocol):
    """What a program prints and says, as much of it as is wanted."""

    def __init__(self) -> None:
        self.printed, self.said = bytearray(), bytearray()
        self.is_too_much = False
        self.exited, self.done = asyncio.Event(), asyncio.Event()
        self._open = {1, 2}

    @property
    def is_open(self) -> bool:
        """Whether somebody still holds what it printed to."""
        return bool(self._open)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1 and not self.is_too_much:
            self.printed += data
            if len(self.printed) > MOST_PRINTED:
                self.is_too_much = True
                self.done.set()
        elif fd == 2:
            self.said += data
            del self.said[:-MOST_SAID]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        self._open.discard(fd)
        if not self._open and self.exited.is_set():
            self.done.set()

    def process_exited(self) -> None:
        self.exited.set()
        if self._open:  # what it has started may hold them for ever
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self.done.set)
        else:
            self.done.set()


async def _end(transport: asyncio.SubprocessTransport, heard: _Heard) -> None:
    """Leave nothing of it behind: neither the program nor what it has started."""
    try:
        if not heard.exited.is_set():
            _signal(transport, signal.SIGTERM)
            await _until_exited(heard)
    finally:
        # Always: what it has left in the background need not hold what it printed to.
        _signal(transport, signal.SIGKILL)
        if not heard.exited.is_set():
            await _until_exited(heard)
        transport.close()


async def _until_exited(heard: _Heard) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await heard.exited.wait()


def _signal(transport: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is gone, or runs as somebody else
        os.killpg(transport.get_pid(), number)


def _ending(code: int) -> str:
    if code > 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _last(said: bytearray) -> str:
    lines: list[Any] = bytes(said).decode("utf-8", "replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f": {one_line(last.strip(), 300)}" if last else ""
