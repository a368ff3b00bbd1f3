"""The world of an integration test; checking the promises at its end is the test's choice."""

import shutil
from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.commands import Command
from tests.support.logins import Logins, logged_in
from tests.support.operating import done
from tests.support.world import AT_LOCKS, PATIENT, World, new_world

# PM2 is a program of Node's, which nothing else here needs: npm install -g pm2
collect_ignore = [] if shutil.which("pm2") else ["test_pm2.py"]


@pytest.fixture
async def world(database: str, vhost: str, env: dict[str, str], spawn: Callable[..., Command]) -> AsyncIterator[World]:
    """Small tables and commands with short timings; a worker that dies in a test is given a short lease there.

    None loses its lease because the machine stands still for some seconds, nor gives back what a test lets it wait for.
    """
    async with new_world(database, vhost, env, spawn) as made:
        made.env |= PATIENT | AT_LOCKS | {"BACKFILL_HEARTBEAT": "10"}  # nor does it lose its link
        yield made


@pytest.fixture
async def logins(world: World) -> AsyncIterator[Logins]:
    """The roles as `backfill init --roles` makes them for the definition `counter`, and one login for each."""
    await done(world, "init", "--roles")
    async with logged_in(world) as made:
        yield made
