"""One database for all worlds, on the version that this run is for: `make core PG=15` tries the older one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backfill.errors import BackfillError
from backfill.services import Services
from backfill.services.postgres import Postgres
from backfill.workers.links import burst
from tests.support import broker, servers
from tests.worlds.arena import Arena, open_arena


@pytest.fixture(scope="session")
def server(services_folder: Path) -> Iterator[Postgres]:
    """A server of that version; without it every test that asks fails, none is skipped."""
    try:
        started = servers.start(servers.WORLDS, services_folder)
    except BackfillError as error:
        pytest.fail(f"PostgreSQL cannot be used: {error}", pytrace=False)
    yield started
    started.delete()


@pytest.fixture(scope="session")
async def ground(server: Postgres, services: Services) -> AsyncIterator[Arena]:
    """The arena, without a schema."""
    assert services.management_url
    with broker.new_vhost(services.amqp_url, services.management_url) as amqp:
        async with open_arena(server.url, amqp) as made:
            yield made


@pytest.fixture
async def arena(ground: Arena) -> AsyncIterator[Arena]:
    """With a schema of the test's own."""
    async with ground.schema():
        yield ground


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burst, "POLL_SECONDS", 0.02)
