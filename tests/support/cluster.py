"""Three RabbitMQ nodes on loopback that form a cluster, each of which may be killed and started again."""

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from backfill.services import ports, process, programs
from backfill.services import rabbitmq_node as node

NODES = 3
EPMD_MARK = "BACKFILL_TEST_EPMD"

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
log.console = false
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
cluster_formation.peer_discovery_backend = classic_config
"""
# Waiting schedulers would take the processors from each other.
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"


@dataclass
class Node:
    """One node; the cluster has given it its place."""

    number: int
    home: Path
    port: int
    epmd_port: int
    password: str = field(repr=False)
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"amqp://{node.USER}:{self.password}@127.0.0.1:{self.port + node.AMQP}/"

    def answers(self) -> bool:
        return ports.answers(self.port + node.AMQP)

    def start(self) -> None:
        """Start it; `answers` tells when it is there."""
        scripts = programs.rabbitmq()
        assert scripts, "rabbitmq-server is not installed"
        with (self.home / "log" / "start").open("ab") as log:
            command = subprocess.Popen(
                [scripts / "rabbitmq-server"],
                env=self._environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(command)

    def kill9(self) -> None:
        while running := process.carrying(*node.mark(self.home)):
            process.kill(running)
        while self.started:
            self.started.pop().wait(10)

    def _environment(self) -> dict[str, str]:
        return node.environment(self.home, self.port) | {
            "RABBITMQ_NODENAME": f"n{self.number}@localhost",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }


class Cluster:
    """The nodes, and the one port mapper that they share: it must outlive each of them."""

    def __init__(self, folder: Path) -> None:
        password, cookie = secrets.token_urlsafe(24), secrets.token_hex(20)
        self._folder = folder
        self._epmd_port = ports.free_block(1)
        self.nodes = [
            Node(number, folder / f"n{number}", ports.free_block(node.PORTS), self._epmd_port, password)
            for number in range(1, NODES + 1)
        ]
        others = "".join(
            f"cluster_formation.classic_config.nodes.{one.number} = n{one.number}@localhost\n" for one in self.nodes
        )
        for one in self.nodes:
            node.lay_out(one.home)
            node.configure(one.home, one.port, password)
            (one.home / "enabled_plugins").write_text("[].\n")
            configuration = CONFIGURATION.format(amqp=one.port + node.AMQP, user=node.USER, password=password)
            (one.home / "rabbitmq.conf").write_text(configuration + others)
            secret = one.home / "home" / ".erlang.cookie"
            secret.chmod(0o600)
            secret.write_text(cookie)
            secret.chmod(0o400)

    @property
    def url(self) -> str:
        """All nodes, as RABBITMQ_URL names them."""
        return ";".join(one.url for one in self.nodes)

    def start(self) -> None:
        """Start all nodes at once: they find each other."""
        subprocess.run(
            ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1", "-daemon"],
            env=os.environ | {EPMD_MARK: str(self._folder)},
            check=True,
            timeout=10,
        )
        for one in self.nodes:
            one.start()

    def end(self) -> None:
        for one in self.nodes:
            one.kill9()
        process.kill(process.carrying(EPMD_MARK, str(self._folder)))
