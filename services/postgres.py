"""A private PostgreSQL server: its own data folder, password and loopback port."""

import secrets
import shlex
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from backfill.errors import BackfillError, UnreachableError
from backfill.services import account, ports, process, programs

USER = DATABASE = "backfill"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # TCP only: a socket's path has a length limit that a deep folder breaks
    "max_connections": "200",
    "shared_buffers": "256MB",
}
# Survives kill -9 of every process but not a power cut: synchronous_commit stays on, so what
# committed has been handed to the operating system. Shared memory is in the data folder, and goes with it.
THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "dynamic_shared_memory_type": "mmap"}


@dataclass(frozen=True)
class Postgres:
    """One private server; every method may be called in any state."""

    home: str
    port: int
    password: str = field(repr=False)
    durable: bool
    runs_as: str | None
    programs: str | None = None  # the folder of one version's; None takes what this machine has

    @classmethod
    def create(cls, folder: Path, *, durable: bool, programs: Path | None = None) -> "Postgres":
        """Lay out a new data folder with an empty database ``backfill``; nothing runs yet."""
        runs_as = account.lent()
        home = account.home(folder / "postgres", runs_as)
        server = cls(str(home), ports.free_block(1), secrets.token_urlsafe(24), durable, runs_as)
        server = replace(server, programs=str(programs) if programs else None)
        try:
            server._lay_out()
        except BaseException:
            account.remove(home)
            raise
        return server

    @property
    def url(self) -> str:
        """Where it answers, password included."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def management_url(self) -> None:
        """It has none."""
        return

    @property
    def detail(self) -> str:
        """What it is, for a person."""
        return f"process {self.pid or 'none'}, data in {self.home}"

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.home) / "data"

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        return found.pid if (found := self._process) else None

    def answers(self) -> bool:
        """True when it runs and accepts connections."""
        return self.pid is not None and self._lock_lines[7:8] == ["ready"] and ports.answers(self.port)

    def on_free_port(self) -> "Postgres":
        """The same server, moved when something else took its port while it was down."""
        taken = self.pid is None and not ports.is_free(self.port)
        return replace(self, port=ports.free_block(1)) if taken else self

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self.pid is None:
            self._forget_unreaped()
            settings = {"port": str(self.port)} | SETTINGS | ({} if self.durable else THROW_AWAY)
            options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
            log = Path(self.home) / "log"
            where = (f"--pgdata={self.data}", f"--log={log}", f"--options={options}")
            self._run("pg_ctl", "start", "--wait", "--timeout=60", *where, log=log)
        until = time.monotonic() + 60
        while not self.answers():  # someone else's start, or recovery, is still under way
            if time.monotonic() > until:
                raise UnreachableError(f"PostgreSQL does not get ready; see {self.home}/log, or set DATABASE_URL")
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """End it cleanly; open connections are cut."""
        if self.pid is not None:
            self._run("pg_ctl", "stop", "--wait", "--timeout=60", f"--mode={mode}", f"--pgdata={self.data}")

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def kill9(self) -> None:
        """Kill all its processes as a crash would."""
        if server := self._process:
            process.kill(process.family(server))

    def delete(self) -> None:
        """Stop it and remove its data, and the shared memory that a kill would leave in the system."""
        with suppress(BackfillError):
            self.stop("immediate")
        self.kill9()
        account.remove(Path(self.home))

    def _lay_out(self) -> None:
        secret = Path(self.home) / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        account.give(Path(self.home), self.runs_as)
        where = (f"--pgdata={self.data}", f"--username={USER}", f"--pwfile={secret}")
        haste = () if self.durable else ("--no-sync",)
        self._run("initdb", *where, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", *haste)
        secret.unlink()
        # Single-user mode: no server, no driver and no password are needed yet.
        create = f"CREATE DATABASE {DATABASE}"
        self._run("postgres", "--single", "-D", str(self.data), "postgres", text=create)

    def _run(self, program: str, *arguments: str, text: str = "", log: Path | None = None) -> None:
        folder = Path(self.programs) if self.programs else None
        programs.run_postgres(self.runs_as, program, *arguments, text=text, log=log, folder=folder)

    @property
    def _lock_lines(self) -> list[str]:
        """What PostgreSQL writes about itself: its pid first, its state in the eighth line."""
        return [line.strip() for line in account.said(self.data / "postmaster.pid", self.runs_as).splitlines()]

    @property
    def _process(self) -> process.Process | None:
        pid = self._recorded_pid
        return process.started_with(pid, str(self.data)) if pid else None

    @property
    def _recorded_pid(self) -> int | None:
        return int(self._lock_lines[0]) if "".join(self._lock_lines[:1]).isdigit() else None

    def _forget_unreaped(self) -> None:
        """Until a killed server is reaped, in some containers never, PostgreSQL takes it for a live one."""
        until = time.monotonic() + 3
        while (pid := self._recorded_pid) and process.unreaped(pid):
            if time.monotonic() > until:
                (self.data / "postmaster.pid").unlink()
            time.sleep(0.02)
