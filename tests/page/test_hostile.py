"""Texts from the server are data, whatever they look like."""

from urllib.parse import quote

from playwright.async_api import Page, expect

from tests.page.conftest import Watch
from tests.support.page.scene import HOSTILE
from tests.support.page.stub import Stub


async def test_hostile_texts_are_shown_as_they_are(page: Page, stub: Stub, watch: Watch) -> None:
    watch.forgiven = "404"
    for where in ("#/", f"#/jobs/{stub.world.hostile}", f"#/jobs/{quote(HOSTILE, safe='')}"):
        await page.goto(f"/{where}")
        await expect(page.locator("main .panel, main .notice").first).to_be_visible()
    await page.goto(f"/#/jobs/{stub.world.hostile}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    await expect(page.locator(".notice.is-failed")).to_contain_text(HOSTILE)
    await page.locator(".group button").first.click()
    await expect(page.get_by_role("table", name="Failed records").get_by_role("row").nth(1)).to_contain_text(HOSTILE)
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("main img, main script").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_text_that_turns_the_direction_of_writing_turns_only_its_own(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.hostile}")
    direction = "node => getComputedStyle(node).unicodeBidi"
    assert await page.locator("p.facts b").first.evaluate(direction) == "isolate"
