"""The world of a fault test: it is not over before the promises were checked."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backfill.services import Services
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.conftest import environment
from tests.support import broker, databases
from tests.support.commands import Command
from tests.support.world import World, new_world


@pytest.fixture
async def world(
    database: str, vhost: str, env: dict[str, str], spawn: Callable[..., Command], request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """Small tables, commands with short timings, and the checks that every fault test ends with."""
    failed_before = request.session.testsfailed
    async with new_world(database, vhost, env, spawn) as made:
        yield made
        if request.session.testsfailed == failed_before:
            assert made.checked, "a fault test ends with `await world.ends_well()`"


@pytest.fixture
async def on_own_postgres(
    private_postgres: Postgres,
    services: Services,
    vhost: str,
    spawn: Callable[..., Command],
    tmp_path: Path,
) -> AsyncIterator[World]:
    """A world on a PostgreSQL that may be stopped and killed."""
    async with databases.new_database(private_postgres.url) as url:
        await databases.apply_ledger(url)
        env = environment(url, vhost, services.management_url, tmp_path)
        async with new_world(url, vhost, env, spawn) as made:
            yield made
        private_postgres.start()


@pytest.fixture
async def on_own_rabbitmq(
    private_rabbitmq: Rabbitmq, database: str, spawn: Callable[..., Command], tmp_path: Path
) -> AsyncIterator[World]:
    """A world on a RabbitMQ that may be stopped and killed."""
    with broker.new_vhost(private_rabbitmq.url, private_rabbitmq.management_url) as url:
        env = environment(database, url, private_rabbitmq.management_url, tmp_path)
        async with new_world(database, url, env, spawn) as made:
            yield made
        private_rabbitmq.start()
