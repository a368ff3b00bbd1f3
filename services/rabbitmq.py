"""A private RabbitMQ node from the installed rabbitmq-server: its own ports, password and epmd."""

import secrets
import signal
import subprocess
import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from backfill.errors import UnreachableError, UsageError
from backfill.services import account, ports, process, programs
from backfill.services import rabbitmq_node as node

# In the background of a shell that ends: the node outlives us, and whoever ends it need not be who started it. The
# shell opens the log, so that it is the account who does. No core file: passwords and messages would be in it.
START: Final = 'ulimit -c 0; umask 077; cd "$0" && { "$@" >log/start 2>&1 </dev/null & } && echo $!'


@dataclass(frozen=True)
class Rabbitmq:
    """One private node; every method may be called in any state."""

    home: str
    port: int  # the first of its block
    password: str = field(repr=False)
    runs_as: str | None = None  # also of a node that an older version made, as root: see `on_free_port`

    @classmethod
    def create(cls, folder: Path) -> "Rabbitmq":
        """Lay out a new node; nothing runs yet."""
        runs_as = account.lent()
        home = account.home(folder / "rabbitmq", runs_as)
        node.lay_out(home)
        account.give(home, runs_as)
        return cls(str(home), ports.free_block(node.PORTS), secrets.token_urlsafe(24), runs_as)

    @property
    def url(self) -> str:
        """Where it speaks AMQP, password included."""
        return f"amqp://{node.USER}:{self.password}@127.0.0.1:{self.port + node.AMQP}/"

    @property
    def management_url(self) -> str:
        """Where its management page and API are, password included."""
        return f"http://{node.USER}:{self.password}@127.0.0.1:{self.port + node.MANAGEMENT}"

    @property
    def detail(self) -> str:
        """What it is, for a person."""
        return f"process {self.pid or 'none'}, data in {self.home}"

    @property
    def pid(self) -> int | None:
        """The node's process, None when it does not run."""
        return found.pid if (found := self._process) else None

    def answers(self) -> bool:
        """True when it runs and accepts connections."""
        return self.pid is not None and ports.answers(self.port + node.AMQP)

    def on_free_port(self) -> "Rabbitmq":
        """The same node, moved when something else took one of its ports while it was down; root's no longer."""
        block = range(self.port, self.port + node.PORTS)
        taken = self.pid is None and not all(map(ports.is_free, block))
        port = ports.free_block(node.PORTS) if taken else self.port
        return replace(self, port=port, runs_as=self.runs_as or account.lent())

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self.answers():
            return
        server = self.command("rabbitmq-server")
        self.kill9()  # what an interrupted start left behind
        home = Path(self.home)
        self._take_from_root()
        node.configure(home, self.port, self.password, self.runs_as)
        log = home / "log" / "start"
        done = self._call("/bin/sh", "-c", START, self.home, *server, start_new_session=True)
        leader = process.of(int(done.stdout)) if done.returncode == 0 else None
        if not self._became_ready(leader):
            self.kill9()
            lines = (account.said(log, self.runs_as) or done.stderr).strip().splitlines() or ["no output"]
            raise UnreachableError(
                f"RabbitMQ did not start ({lines[-1].strip()}); see {log.parent}, or set RABBITMQ_URL"
            )

    def stop(self) -> None:
        """End it cleanly, which takes seconds."""
        if server := self._process:
            process.send(server, signal.SIGTERM)
            process.wait_ended([server], deadline=60)
        self.kill9()  # epmd outlives its node; so does a node that would not stop

    def restart(self) -> None:
        """Stop and start on the same ports and data."""
        self.stop()
        self.start()

    def kill9(self) -> None:
        """Kill all its processes as a crash would."""
        while running := process.carrying(*node.mark(Path(self.home))):
            process.kill(running)

    def delete(self) -> None:
        """Stop it and remove its data."""
        self.kill9()
        account.remove(Path(self.home))

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against this node and return what it prints."""
        done = self._call(*self.command("rabbitmqctl"), "--quiet", *arguments)
        if done.returncode:
            raise UnreachableError(f"rabbitmqctl {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def command(self, program: str) -> list[str]:
        """How to call one of RabbitMQ's programs."""
        found = programs.rabbitmq()
        if found is None:
            raise UnreachableError("rabbitmq-server is not installed; install it, or set RABBITMQ_URL")
        return [str(found / program)]

    def identity(self) -> dict[str, Any]:
        """Who calls those programs, for ``subprocess``."""
        return account.identity(self.runs_as)

    def _call(self, *command: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - RabbitMQ's own programs
            command,
            cwd="/",  # ours may be closed to the account
            env=node.environment(Path(self.home), self.port),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self.identity(),
            **more,
        )

    def _take_from_root(self) -> None:
        """Nodes of older versions ran as root: what such a one left becomes the account's."""
        home = Path(self.home)
        if self.runs_as is None or home.stat().st_uid != 0:
            return
        if not account.permits(self.runs_as, "-x", home.parent):
            raise UsageError(
                f"{home} is of an older version, whose RabbitMQ ran as root, and {self.runs_as} cannot come to it; "
                f"remove it (jobs go on without their messages) and start again: rm -r {home}"
            )
        account.give(home, self.runs_as)

    @property
    def _process(self) -> process.Process | None:
        written = account.said(Path(self.home) / "pid", self.runs_as).strip()
        # It was given its home on the command line.
        return process.started_with(int(written), f"{self.home}/home") if written.isdigit() else None

    def _became_ready(self, leader: process.Process | None) -> bool:
        import urllib.request  # slow, and most commands only ask whether the node runs

        # HTTP, not rabbitmqctl: that one fails before the node registers and sleeps in steps of ten seconds.
        management, amqp = self.port + node.MANAGEMENT, self.port + node.AMQP
        check = urllib.request.Request(
            f"http://127.0.0.1:{management}/api/health/checks/port-listener/{amqp}",
            headers={"Authorization": "Basic " + b64encode(f"{node.USER}:{self.password}".encode()).decode()},
        )
        until = time.monotonic() + 90
        while leader and not process.ended(leader) and time.monotonic() < until:
            try:
                urllib.request.urlopen(check, timeout=2).read()  # noqa: S310 - loopback http
            except OSError:
                time.sleep(0.1)
            else:
                return True
        return False
