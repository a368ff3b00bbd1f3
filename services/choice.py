"""Chooses how a service is started: from local programs, as a container, or after installing the programs."""

import os
from collections.abc import Callable
from pathlib import Path

from backfill.errors import UnreachableError, UsageError
from backfill.services import containers, install
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq


def way(service: str) -> str:
    """``local``, ``docker`` or ``install``; BACKFILL_SERVICES=local or =docker decides it for everyone."""
    wanted = os.environ.get("BACKFILL_SERVICES", "")
    if wanted not in ("", "local", "docker"):
        raise UsageError(f"BACKFILL_SERVICES is {wanted!r}; use local or docker, or leave it unset")
    if wanted == "docker":
        if not containers.engine_answers():
            raise UnreachableError("BACKFILL_SERVICES=docker but no Docker engine answers; start it, or unset this")
        return "docker"
    if install.present(service):
        return "local"
    if not wanted and containers.engine_answers():
        return "docker"
    return "install"


def create(
    service: str, folder: Path, durable: bool, say: Callable[[str], object] | None
) -> Postgres | Rabbitmq | containers.Container:
    """Make a new service, installed when it must be; only a container runs already."""
    chosen = way(service)
    if chosen == "docker":
        return containers.Container.create(service)
    if chosen == "install":
        install.ensure(service, say)
    if service == "postgres":
        return Postgres.create(folder, durable=durable)
    return Rabbitmq.create(folder)
