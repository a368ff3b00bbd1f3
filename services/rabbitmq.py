"""A private RabbitMQ node from the installed rabbitmq-server: its own ports, password and epmd."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path

from backfill.errors import UnreachableError
from backfill.services import ports, process, programs
from backfill.services import rabbitmq_node as node


@dataclass(frozen=True)
class Rabbitmq:
    """One private node; every method may be called in any state."""

    home: str
    port: int  # the first of its block
    password: str = field(repr=False)

    @classmethod
    def create(cls, folder: Path) -> "Rabbitmq":
        """Lay out a new node; nothing runs yet."""
        home = folder / "rabbitmq"
        shutil.rmtree(home, ignore_errors=True)
        node.lay_out(home)
        return cls(str(home), ports.free_block(node.PORTS), secrets.token_urlsafe(24))

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
        """The same node, moved when something else took one of its ports while it was down."""
        block = range(self.port, self.port + node.PORTS)
        taken = self.pid is None and not all(map(ports.is_free, block))
        return replace(self, port=ports.free_block(node.PORTS)) if taken else self

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self.answers():
            return
        server = self.command("rabbitmq-server")
        self.kill9()  # what an interrupted start left behind
        home = Path(self.home)
        node.configure(home, self.port, self.password)
        log = home / "log" / "start"
        streams = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        # Not subprocess: the node outlives this process, and nothing here would ever wait for it.
        command = ["sh", "-c", 'cd "$0" && exec "$@"', self.home, *server]
        environment = node.environment(home, self.port)
        leader = process.Process(os.posix_spawn("/bin/sh", command, environment, file_actions=streams, setsid=True))
        if not self._became_ready(leader):
            self.kill9()
            lines = log.read_text().strip().splitlines() or ["no output"]
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
        shutil.rmtree(self.home, ignore_errors=True)

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against this node and return what it prints."""
        command = [*self.command("rabbitmqctl"), "--quiet", *arguments]
        environment = node.environment(Path(self.home), self.port)
        done = subprocess.run(  # noqa: S603 - RabbitMQ's own program
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise UnreachableError(f"rabbitmqctl {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def command(self, program: str) -> list[str]:
        """How to call one of RabbitMQ's programs."""
        found = programs.rabbitmq()
        if found is None:
            raise UnreachableError("rabbitmq-server is not installed; install it, or set RABBITMQ_URL")
        return [str(found / program)]

    @property
    def _process(self) -> process.Process | None:
        try:
            pid = int((Path(self.home) / "pid").read_text())
        except (OSError, ValueError):
            return None
        return process.started_with(pid, f"{self.home}/home")  # it was given its home on the command line

    def _became_ready(self, leader: process.Process) -> bool:
        import urllib.request  # slow, and most commands only ask whether the node runs

        # HTTP, not rabbitmqctl: that one fails before the node registers and sleeps in steps of ten seconds.
        management, amqp = self.port + node.MANAGEMENT, self.port + node.AMQP
        check = urllib.request.Request(
            f"http://127.0.0.1:{management}/api/health/checks/port-listener/{amqp}",
            headers={"Authorization": "Basic " + b64encode(f"{node.USER}:{self.password}".encode()).decode()},
        )
        until = time.monotonic() + 90
        while not process.ended(leader) and time.monotonic() < until:
            try:
                urllib.request.urlopen(check, timeout=2).read()  # noqa: S310 - loopback http
            except OSError:
                time.sleep(0.1)
            else:
                return True
        return False
