"""The monitor's views at a real server, whose looks are those of the command."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.commands import Command
from tests.support.operating import queued
from tests.support.serving import Served, serving
from tests.support.world import World, new_world

LINES = "".join(
    f"2026-11-26T15:{minute:02}:00Z Worker {worker}: {minute * (worker + 1) / 2:.1f}% complete\n"
    for minute in range(60)
    for worker in range(3)
)
PROFILE = """title = "A load and a job"
[[log]]
path = "{folder}/load.log"
[[job]]
id = "latest"
"""
LOOK = 40_000  # milliseconds, of the first one


@pytest.fixture
async def world(database: str, vhost: str, env: dict[str, str], spawn: Callable[..., Command]) -> AsyncIterator[World]:
    async with new_world(database, vhost, env, spawn) as made:
        await made.rows(20)
        await queued(made)
        yield made


@pytest.fixture
async def served(world: World, tmp_path: Path) -> AsyncIterator[Served]:
    (tmp_path / "load.log").write_text(f"{LINES}2026-11-26T15:59:30Z Worker 0: HTTP 503 <b>Service</b> Unavailable\n")
    (tmp_path / "both.toml").write_text(PROFILE.format(folder=tmp_path))
    (tmp_path / "none.toml").write_text('title = "Nothing"\n[[log]]\npath = "/nowhere/*.log"\n')
    given = (f"--monitor={tmp_path}/{name}.toml" for name in ("both", "none"))
    async with serving(world, *given, XDG_STATE_HOME=str(tmp_path / "state")) as server:
        yield server


@pytest.fixture
def base_url(served: Served) -> str:
    return served.url


async def test_what_is_watched_is_shown_as_it_is(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Monitor").click()
    rows = page.get_by_role("table", name="Watched backfills").get_by_role("row")
    await expect(rows.nth(2)).to_contain_text("unknown", timeout=LOOK)
    await rows.nth(1).get_by_role("link").click()
    main = page.get_by_role("main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("A load and a job", timeout=LOOK)
    for text in ("counter", "HTTP 503", "job latest", "load.log"):
        await expect(main).to_contain_text(text)
    await main.get_by_text("Examples").click()
    await expect(main).to_contain_text("HTTP 503 <b>Service</b> Unavailable")
    await page.goto("/#/monitor/none")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing", timeout=LOOK)
    await expect(main).to_contain_text("/nowhere/*.log")
