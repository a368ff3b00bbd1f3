"""The function of docs/api.md that polls, run as it stands in a browser, while workers work."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.integration.conftest import world as world
from tests.support.operating import queued, working
from tests.support.serving import Served, serving
from tests.support.world import World

DOCS = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
FUNCTION = "".join(re.findall(r"^```js\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL))


@pytest.fixture
async def served(world: World) -> AsyncIterator[Served]:
    async with serving(world) as made:
        yield made


@pytest.fixture
def base_url(served: Served) -> str:
    return served.url


async def test_a_page_polls_a_job_to_its_end(world: World, served: Served, page: Page) -> None:
    await world.rows(60)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET pause_ms = 100")
    await page.goto(f"{served.url}/")
    async with working(world):
        task, shown = await page.evaluate(
            f"async () => {{ {FUNCTION}; const shown = []; "
            f"return [await ended('{job}', (percent) => shown.push(percent), 50), shown]; }}"
        )
    assert (task["state"], task["progress"]["current"]) == ("SUCCESS", 60)
    assert shown == sorted(shown)
    assert shown[-1] == 100
