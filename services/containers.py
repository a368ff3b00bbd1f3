"""PostgreSQL and RabbitMQ as containers, for machines that have a Docker engine but no local programs."""

import contextlib
import os
import secrets
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backfill.errors import UnreachableError
from backfill.services import ports

POSTGRES_IMAGE = "postgres:18"
RABBITMQ_IMAGE = "rabbitmq:4-management"
USER = DATABASE = "backfill"


@dataclass(frozen=True)
class Container:
    """One service in a container that outlives the command that started it."""

    service: str
    id: str
    port: int
    management_port: int | None
    password: str = field(repr=False)

    @classmethod
    def create(cls, service: str) -> "Container":
        """Start a new container with its ports on loopback only."""
        port, password = ports.free_block(2), secrets.token_urlsafe(24)
        try:
            if service == "postgres":
                return cls(service, _run_postgres(port, password), port, None, password)
            return cls(service, _run_rabbitmq(port, password), port, port + 1, password)
        except Exception as error:  # whatever the engine, the registry or testcontainers raise
            raise UnreachableError(
                f"Docker could not start {service} ({error}); repair it, or set DATABASE_URL and RABBITMQ_URL"
            ) from error

    @property
    def url(self) -> str:
        """Where it answers, password included."""
        if self.service == "postgres":
            return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.port}/"

    @property
    def management_url(self) -> str | None:
        """RabbitMQ's management page, password included; None for PostgreSQL."""
        if self.management_port is None:
            return None
        return f"http://{USER}:{self.password}@127.0.0.1:{self.management_port}"

    @property
    def detail(self) -> str:
        """What it is, for a person."""
        return f"container {self.id[:12]}"

    def answers(self) -> bool:
        """True when it accepts connections."""
        return ports.answers(self.port)

    def on_free_port(self) -> "Container":
        """Itself: Docker keeps the ports that it was created with."""
        return self

    def start(self) -> None:
        """Start the stopped container again and wait until it answers."""
        self._docker().start()
        until = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > until:
                raise UnreachableError(f"the {self.service} container does not answer; see docker logs {self.id[:12]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the container; its data stays in it."""
        with _missing_is_fine():
            self._docker().stop(timeout=30)

    def delete(self) -> None:
        """Remove the container and its data."""
        with _missing_is_fine():
            self._docker().remove(force=True, v=True)

    def _docker(self) -> Any:
        import docker  # type: ignore[import-untyped]  # optional, and slow to import

        return docker.from_env().containers.get(self.id)


def engine_answers() -> bool:
    """True when a Docker engine is there to use."""
    if not os.environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return False  # docker-py would leave its socket open to the garbage collector
    try:
        import docker

        return bool(docker.from_env(timeout=5).ping())
    except Exception:  # not installed, no socket, no permission: all mean the same here
        return False


def _run_postgres(port: int, password: str) -> str:
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(POSTGRES_IMAGE, username=USER, password=password, dbname=DATABASE, driver=None)
    return _run(container, {5432: port})


def _run_rabbitmq(port: int, password: str) -> str:
    with warnings.catch_warnings():  # the module itself uses what testcontainers deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        from testcontainers.community.rabbitmq import RabbitMqContainer
    container = RabbitMqContainer(RABBITMQ_IMAGE, username=USER, password=password)
    container.with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-rabbit max_message_size 1048576")
    return _run(container, {5672: port, 15672: port + 1})


def _run(container: Any, published: dict[int, int]) -> str:
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True  # its reaper would end the services with this command
    container.ports = {f"{inside}/tcp": ("127.0.0.1", outside) for inside, outside in published.items()}
    try:
        container.start()
    except BaseException:
        container.stop()
        raise
    return str(container.get_container_id())


@contextlib.contextmanager
def _missing_is_fine() -> Iterator[None]:
    from docker.errors import NotFound  # type: ignore[import-untyped]

    with contextlib.suppress(NotFound):
        yield
