"""The workers and producers of a storm: processes, started again as a supervisor would, and judged by their ends."""

import asyncio
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.commands import Command
from tests.support.world import is_stopped

# How a process may end by itself; what README.md says of the others does not happen in a storm.
ENDS: Final = {"backfill-worker": {0, 5, 6}, "backfill-queue": {0, 4, 5, 6}}


class Fleet:
    def __init__(self, folder: Path, env: Mapping[str, str], workers: int, concurrency: int) -> None:
        self._folder = folder
        self._env = env
        self._slots: list[Command | None] = [None] * workers
        self._concurrency = concurrency
        self._signalled: set[int] = set()
        self.commands: list[Command] = []

    def start(self, name: str, *arguments: str, failpoint: str = "") -> Command:
        env = {**self._env} | ({"BACKFILL_FAILPOINT": failpoint} if failpoint else {})
        command = Command(self._folder / f"{len(self.commands) + 1:02}-{name}.log", env, name, *arguments)
        self.commands.append(command)
        if failpoint.partition("=")[2].startswith("kill"):
            self._signalled.add(command.pid)
        return command

    def worker(self, slot: int, failpoint: str = "") -> Command:
        self._slots[slot] = self.start("backfill-worker", f"--concurrency={self._concurrency}", failpoint=failpoint)
        return self._slots[slot]  # type: ignore[return-value]

    @property
    def workers(self) -> list[Command]:
        """Those that run, or are stopped."""
        return [one for one in self._slots if one is not None and one.returncode is None]

    def of(self, pid: int) -> Command | None:
        return next((one for one in self.workers if one.pid == pid), None)

    def kill(self, command: Command, number: signal.Signals = signal.SIGKILL) -> None:
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._signalled.add(command.pid)
        command.kill(number)

    async def supervise(self) -> None:
        """Start again what has ended, until cancelled."""
        while True:
            for slot, worker in enumerate(self._slots):
                if worker is None or worker.returncode is not None:
                    self.worker(slot)
            await asyncio.sleep(0.2)

    def thaw(self) -> None:
        for command in self.commands:
            if command.returncode is None and is_stopped(command.pid):
                command.kill(signal.SIGCONT)

    async def drain(self) -> None:
        """Ask all to end, and wait."""
        self.thaw()
        for command in self.commands:
            if command.returncode is None:
                self.kill(command, signal.SIGTERM)
        for command in self.commands:
            if command.returncode is None:
                await command.wait()

    def close(self) -> None:
        for command in self.commands:
            command.close()

    def faults(self, passwords: list[str]) -> list[str]:
        """What no process of ours may do."""
        found = []
        for command in self.commands:
            code, said = command.returncode, command.output
            allowed = set(ENDS[command.command[0]])
            if command.pid in self._signalled:
                allowed |= {-signal.SIGKILL, -signal.SIGTERM, 143}
            last = said.strip().splitlines()[-1:]
            if code not in allowed:
                found.append(f"{command} ended with {code}: {last}")
            elif code and code > 0 and code != 143 and not re.search(r"^error: ", said, re.MULTILINE):
                found.append(f"{command} ended with {code} and no sentence: {last}")
            if "Traceback" in said:
                end = said[said.index("Traceback") :].strip().splitlines()
                found.append(f"{command} ended with a traceback: {' / '.join(end[-3:])}")
            if any(password in said for password in passwords):
                found.append(f"{command} shows a password")
            found += [f"{command} says: {line}" for line in said.splitlines() if "was never" in line]
        return found
