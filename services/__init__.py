"""PostgreSQL and RabbitMQ for the demo, the tests and the benchmarks.

``DATABASE_URL`` and ``RABBITMQ_URL`` win, each on its own. What they do not give is started here: as private
processes on free loopback ports, or as containers where a Docker engine runs and the programs are missing.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backfill.services import choice, state
from backfill.services.rabbitmq import Rabbitmq

VARIABLES = {
    "postgres": "DATABASE_URL",
    "rabbitmq": "RABBITMQ_URL",
    "management": "RABBITMQ_MANAGEMENT_URL",
}
STARTED = ("postgres", "rabbitmq")


@dataclass(frozen=True)
class Services:
    """Where the services answer; the URLs hold passwords."""

    database_url: str = field(repr=False)
    amqp_url: str = field(repr=False)
    management_url: str | None = field(repr=False)


def up(folder: Path, *, durable: bool = True, say: Callable[[str], object] | None = None) -> Services:
    """Start what the environment does not give and does not run yet; calling it again changes nothing."""
    folder = folder.absolute()
    with state.locked(folder):
        servers = state.read(folder)
        for service in STARTED:
            server = servers.get(service)
            if _given(service) or (server and server.answers()):
                continue
            if server is None or _is_removed(server):
                server = choice.create(service, folder, durable, say)
            else:
                server = server.on_free_port()
            # Recorded before it starts: an interrupted start can still be stopped.
            servers[service] = server
            state.write(folder, servers)
            server.start()
        urls = {VARIABLES[service].lower(): server.url for service, server in servers.items()}
        found = _services(servers)
        if found.management_url and "rabbitmq_url" in urls:
            urls["rabbitmq_management_url"] = found.management_url
        state.write_urls(folder, urls)
        return found


def down(folder: Path, *, delete: bool = False) -> list[str]:
    """Stop what ``up`` started and name it; with ``delete`` their data goes too, and at once."""
    folder = folder.absolute()
    if not folder.is_dir():
        return []
    with state.locked(folder):
        state.write_urls(folder, {})
        servers = state.read(folder)
        stopped = [service for service, server in servers.items() if server.answers()]
        for server in servers.values():
            if delete:
                server.delete()
            else:
                server.stop()
        if delete:
            state.write(folder, {})
    return stopped


def status(folder: Path) -> list[tuple[str, str, str, str]]:
    """Name, state (``given``, ``running``, ``stopped`` or ``absent``), URL and detail of each service."""
    servers = state.read(folder.absolute())
    lines = []
    for service in STARTED:
        server = servers.get(service)
        if url := _given(service):
            lines.append((service, "given", url, f"from {VARIABLES[service]}"))
        elif server:
            lines.append((service, "running" if server.answers() else "stopped", server.url, server.detail))
        else:
            lines.append((service, "absent", "", f"backfill services up, or set {VARIABLES[service]}"))
    if url := _management_url(servers):
        lines.append(("management", lines[-1][1], url, "RabbitMQ's page; sign in with the user and password"))
    return lines


def _is_removed(server: state.Server) -> bool:
    """A node without its folder: what it had were wake-ups. Of a database we would rather hear than begin anew."""
    return isinstance(server, Rabbitmq) and not Path(server.home).is_dir()


def _services(servers: dict[str, state.Server]) -> Services:
    database, broker = (_given(service) or servers[service].url for service in STARTED)
    return Services(database, broker, _management_url(servers))


def _management_url(servers: dict[str, state.Server]) -> str | None:
    if _given("rabbitmq"):
        return _given("management")
    return servers["rabbitmq"].management_url if "rabbitmq" in servers else None


def _given(service: str) -> str | None:
    url = os.environ.get(VARIABLES[service])
    if not url and service == "management":  # its other name
        url = os.environ.get("BACKFILL_MANAGEMENT_URL")
    return url or None
