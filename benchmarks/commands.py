"""Runs commands as processes of their own, each with a deadline, and knows their time and peak memory."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Self

ROOT = Path(__file__).parent.parent
POLL_SECONDS = 0.02
GRACE_SECONDS = 15.0


class CommandError(Exception):
    """A command failed or overran its deadline; nothing that it measured counts."""


@dataclass(frozen=True)
class Outcome:
    """A command that succeeded."""

    seconds: float  # from the start of the process to its end
    peak_bytes: int
    output: str


def script(name: str) -> str:
    """The console script beside this interpreter."""
    return str(Path(sys.executable).parent / name)


class Command:
    """A process with everything it starts; all are gone at the end of the `with`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._arguments = arguments
        self._peak_bytes = 0
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the benchmark alone, which then ends its processes
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):  # the second one for what the first one left
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(GRACE_SECONDS)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self._process.wait(GRACE_SECONDS)
        self._output.close()

    def wait(self, deadline: float) -> Outcome:
        """Wait for its success; raises CommandError with its last lines."""
        while self._process.poll() is None:
            self._look_at_memory()
            if time.perf_counter() - self._began > deadline:
                self._fail(f"did not end within {deadline:.0f} s")
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - self._began
        self.check()
        return Outcome(seconds, self._peak_bytes, self.output)

    def check(self) -> None:
        """Raises CommandError when it has failed."""
        if self._process.poll():
            self._fail(f"ended with {self._process.returncode}")

    def _fail(self, what: str) -> NoReturn:
        last = "\n".join(self.output.strip().splitlines()[-15:])
        raise CommandError(f"{' '.join(self._arguments)} {what}\n{last}")

    @property
    def output(self) -> str:
        """What it has printed so far; the process writes where it left off."""
        with Path(f"/proc/self/fd/{self._output.fileno()}").open("rb") as text:
            return text.read().decode(errors="replace")

    def _look_at_memory(self) -> None:
        # Not ru_maxrss: that begins with what the parent had in memory when it started the process.
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self._peak_bytes = max(self._peak_bytes, int(line.split()[1]) * 1024)


def run(arguments: Sequence[str], environment: Mapping[str, str], *, deadline: float) -> Outcome:
    """Run a command to its successful end."""
    with Command(arguments, environment) as command:
        return command.wait(deadline)
