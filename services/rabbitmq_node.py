"""The files and the environment that keep a RabbitMQ node to itself: not /etc, not beyond loopback."""

import os
import secrets
from pathlib import Path

from backfill.services import account

USER = "backfill"
# A node takes this many consecutive ports. In order: epmd, AMQP, management, Prometheus, distribution,
# and the rest for the command line tools.
PORTS = 16
EPMD, AMQP, MANAGEMENT, PROMETHEUS, DISTRIBUTION, TOOLS = range(6)

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus}
log.console = false
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
max_message_size = 1048576
"""
# Fresher numbers on the management page than the five seconds it has by default.
ADVANCED = "[{rabbit,[{quorum_tick_interval,500},{collect_statistics_interval,1000}]}].\n"


def lay_out(home: Path) -> None:
    """Make a new node's folders and its cookie."""
    for name in ("home", "mnesia", "log"):
        (home / name).mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    # Server and tools would race to make the cookie, so it is there before the first start.
    _write(home / "home" / ".erlang.cookie", secrets.token_hex(20))
    (home / "home" / ".erlang.cookie").chmod(0o400)


def configure(home: Path, port: int, password: str, runs_as: str | None = None) -> None:
    """Write the configuration for these ports, for the account that the node runs under."""
    _write(home / "rabbitmq-env.conf", "", runs_as)  # empty, but named: /etc/rabbitmq is not read
    _write(home / "enabled_plugins", "[rabbitmq_management,rabbitmq_prometheus].\n", runs_as)
    _write(home / "advanced.config", ADVANCED, runs_as)
    configuration = CONFIGURATION.format(
        amqp=port + AMQP,
        management=port + MANAGEMENT,
        prometheus=port + PROMETHEUS,
        user=USER,
        password=password,
    )
    _write(home / "rabbitmq.conf", configuration, runs_as)


def environment(home: Path, port: int) -> dict[str, str]:
    """What the server and its command line tools must see."""
    return account.environment() | {
        "HOME": f"{home}/home",
        "ERL_EPMD_PORT": str(port + EPMD),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": f"{home}/rabbitmq-env.conf",
        "RABBITMQ_NODENAME": "backfill@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port + AMQP),
        "RABBITMQ_DIST_PORT": str(port + DISTRIBUTION),
        "RABBITMQ_CTL_DIST_PORT_MIN": str(port + TOOLS),
        "RABBITMQ_CTL_DIST_PORT_MAX": str(port + PORTS - 1),
        "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
        "RABBITMQ_LOG_BASE": f"{home}/log",
        "RABBITMQ_PID_FILE": f"{home}/pid",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
        "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
        # Distribution would listen on every address.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }


def mark(home: Path) -> tuple[str, str]:
    """The variable of that environment, and its value, by which a node's processes, epmd included, are found."""
    return "RABBITMQ_PID_FILE", f"{home}/pid"


def _write(file: Path, text: str, runs_as: str | None = None) -> None:
    # Always a new one: what the account put in its place is neither followed nor written to.
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w") as opened:
        opened.write(text)
        if owner := account.identity(runs_as):
            os.fchown(descriptor, owner["user"], owner["group"])
