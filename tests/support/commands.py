"""The project's own commands as real processes, with their output kept and their end guaranteed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.forking import Forked, can_fork


class Command:
    """One of our console scripts, running."""

    def __init__(
        self, log: Path, environment: Mapping[str, str], name: str, *arguments: str, cwd: Path | None = None
    ) -> None:
        self.log = log
        self.command = (name, *arguments)
        program = Path(environment.get("TEST_PROGRAMS", Path(sys.executable).parent)) / name
        self._process: Forked | subprocess.Popen[bytes]
        with log.open("wb") as output:
            if can_fork(name, environment):
                self._process = Forked(name, arguments, environment, output.fileno(), cwd)
                return
            self._process = subprocess.Popen(
                [program, *arguments],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything it has printed so far, stdout and stderr in order."""
        return self.log.read_text(errors="replace")

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Signal it; nothing happens when it has ended."""
        self._process.send_signal(number)

    async def wait(self, deadline: float = 60) -> int:
        """Its exit code; fails with its output when it has not ended by then."""
        try:
            return await asyncio.to_thread(self._process.wait, deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} did not end within {deadline} s:\n{self.output}") from None

    def close(self) -> None:
        """End it and everything it started."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(10)

    def __str__(self) -> str:
        return f"{' '.join(self.command)} (process {self.pid})"
