"""The world of a fault test: it is not over before the promises were checked."""

from collections.abc import AsyncIterator, Callable

import pytest

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
