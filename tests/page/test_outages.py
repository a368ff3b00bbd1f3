"""The page at a real server whose PostgreSQL and RabbitMQ go away and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page, expect

from tests.conftest import PrivateServices
from tests.page.conftest import Watch
from tests.support.commands import Command
from tests.support.serving import Served, serving
from tests.support.world import World, new_world

pytestmark = pytest.mark.long

SOON = 45_000  # milliseconds: 5 s until the server says so, and a machine that is busy


@pytest.fixture
async def world(private_services: PrivateServices, spawn: Callable[..., Command]) -> AsyncIterator[World]:
    found = private_services
    async with new_world(found.database_url, found.amqp_url, found.env, spawn) as made:
        yield made


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    async with serving(world) as server:
        yield server


@pytest.fixture
def base_url(served: Served) -> str:
    return served.url


async def test_page_says_what_is_down_and_goes_on_once_it_is_back(
    page: Page, private_services: PrivateServices, watch: Watch
) -> None:
    watch.forgiven = "503"
    await page.goto("/")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    await asyncio.to_thread(private_services.postgres.stop)
    stale = page.locator(".notice.stale")
    await expect(stale).to_contain_text("PostgreSQL", timeout=SOON)
    await expect(page.get_by_role("alert").filter(has_text="PostgreSQL is down.")).to_be_visible()
    await expect(page.locator("[data-freshness]")).to_contain_text("Stale: read")
    await asyncio.to_thread(private_services.postgres.start)
    await expect(stale).to_have_count(0, timeout=SOON)
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    await asyncio.to_thread(private_services.rabbitmq.stop)
    await expect(page.get_by_role("alert").filter(has_text="RabbitMQ is down.")).to_be_visible(timeout=SOON)
    await asyncio.to_thread(private_services.rabbitmq.start)
    await expect(page.get_by_text("RabbitMQ is down.")).to_have_count(0, timeout=2 * SOON)
