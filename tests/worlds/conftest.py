"""Both versions of PostgreSQL, each with one database for all worlds."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from backfill.errors import BackfillError
from backfill.services import Services
from backfill.services.postgres import Postgres
from backfill.workers import burst
from tests.support import broker, servers
from tests.worlds.arena import Arena, open_arena

Arenas = dict[int, Arena]


@pytest.fixture(scope="session")
def versions(services_folder: Path) -> Iterator[dict[int, Postgres]]:
    """A server of each version; without one of them every test that asks fails, none is skipped."""
    started: dict[int, Postgres] = {}
    reason = ""
    try:
        for version in servers.VERSIONS:
            started[version] = servers.start(version, services_folder)
    except BackfillError as error:
        reason = str(error)
    if not reason:
        yield started
    for server in started.values():
        server.delete()
    if reason:
        pytest.fail(f"PostgreSQL cannot be used: {reason}", pytrace=False)


@pytest.fixture(scope="session")
async def arenas(versions: dict[int, Postgres], services: Services) -> AsyncIterator[Arenas]:
    assert services.management_url
    async with AsyncExitStack() as stack:
        found = {}
        for version, server in versions.items():
            amqp = stack.enter_context(broker.new_vhost(services.amqp_url, services.management_url))
            found[version] = await stack.enter_async_context(open_arena(version, server.url, amqp))
        yield found


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burst, "POLL_SECONDS", 0.02)
