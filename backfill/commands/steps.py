"""Runs one command after another on a stage, and shows each as a person would type it."""

import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from backfill import door
from backfill.errors import BackfillError

STEP_SECONDS: Final = 300
END_SECONDS: Final = 30


class Steps:
    """Commands in one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def start(self, title: str, *command: str) -> "subprocess.Popen[str]":
        """Start one, under a title unless that is empty."""
        if title:
            door.line()
            door.line(f"== {title}")
        door.line(f"$ {shlex.join([Path(command[0]).name, *command[1:]])}")
        return subprocess.Popen(  # noqa: S603 - our own commands
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
        )

    def __call__(self, title: str, *command: str, code: int = 0) -> None:
        """Run one to its end; raises BackfillError where that is another one than it is to be."""
        with self.start(title, *command) as process:
            try:
                show(process)
                ended = process.wait(timeout=STEP_SECONDS)
            except BaseException:
                process.terminate()
                raise
            if ended != code:
                raise BackfillError(f"{Path(command[0]).name} ended with exit code {ended}; see above")

    @contextmanager
    def beside(self, title: str, *command: str) -> Iterator[str]:
        """One that goes on until the block ends; gives the first line that it prints."""
        with self.start(title, *command) as process:
            # What it says later must not fill the pipe.
            reader = threading.Thread(target=show, args=(process,), name=Path(command[0]).name, daemon=True)
            try:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                line = process.stdout.readline().rstrip()
                door.line(f"  {line}")
                if process.poll() is not None or not line:
                    raise BackfillError(f"{Path(command[0]).name} did not start; see above")
                reader.start()
                yield line
            finally:
                process.terminate()
                try:
                    process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                if reader.is_alive():
                    reader.join(END_SECONDS)


def show(process: "subprocess.Popen[str]") -> None:
    """Print a command's lines as they come; of the many batches every fiftieth."""
    for line in process.stdout or ():
        batch = line.startswith("Queued batch") and int(line.split()[2].replace(",", ""))
        if not (batch and batch % 50):
            door.line(*f"  {line.rstrip()}".split("\t"))


def script(name: str) -> str:
    """A command of the same environment as this one."""
    return str(Path(sys.executable).parent / name)
