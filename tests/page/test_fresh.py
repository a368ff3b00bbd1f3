"""How old the numbers are: said, switched off, and found again."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.page.conftest import Watch
from tests.support.page.stub import Stub

pytestmark = pytest.mark.long

# Counted where it is asked, not where it is answered: what is on its way is no new question.
COUNTED = """{
    const asking = window.fetch;
    window.asked = 0;
    window.fetch = (...given) => { window.asked += 1; return asking(...given); };
}"""


@pytest.fixture(autouse=True)
def _refusals(watch: Watch) -> None:
    watch.forgiven = "503|ERR_"


async def test_stale_numbers_are_shown_as_stale_with_their_age(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    stub.change(lambda: setattr(stub, "is_down", True))
    await expect(page.locator("[data-freshness]")).to_contain_text("Stale: read")
    stale = page.locator(".notice.stale")
    await expect(stale).to_contain_text("old. connection refused at 127.0.0.1:5432")
    await expect(page.locator("[data-progress]")).to_contain_text("310,000 of 500,000")
    await expect(page.get_by_role("status").first).to_have_text("The numbers are old: no connection to the server.")
    stub.world.jobs[stub.world.running]["updated"] = 300_000
    stub.change(lambda: setattr(stub, "is_down", False))
    await expect(page.locator("[data-progress]")).to_contain_text("315,757 of 500,000")
    await expect(stale).to_have_count(0)


async def all_is_read(page: Page) -> None:
    """Whatever a view shows, and asks for once, even while it does not listen any more."""
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    await expect(page.get_by_text("Reading …")).to_have_count(0)


async def test_switch_stops_all_updates_and_says_how_old_they_are(page: Page, stub: Stub) -> None:
    await page.add_init_script(COUNTED)
    await page.goto(f"/#/jobs/{stub.world.running}")
    switch = page.get_by_role("switch", name="Live updates")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await all_is_read(page)
    await switch.click()
    await expect(page.locator("[data-freshness]")).to_contain_text("Stopped: read")
    asked = await page.evaluate("asked")
    stub.change(lambda: stub.world.jobs[stub.world.running].update(updated=300_000))
    await expect(page.locator("[data-freshness]")).to_contain_text(re.compile(r"([3-9]|\d\d) s ago"))
    assert await page.evaluate("asked") == asked > 0
    await expect(page.locator("[data-progress]")).to_contain_text("310,000")
    await page.get_by_role("link", name="Overview").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await expect(page.locator("main .panel").first).to_be_visible()  # read once, and then no more
    await page.go_back()
    await expect(page.locator("[data-progress]")).to_contain_text("315,757")
    stub.change(lambda: stub.world.jobs[stub.world.running].update(updated=310_000))
    await switch.click()
    await expect(page.locator("[data-progress]")).to_contain_text("325,757")


async def test_hidden_tab_asks_for_nothing(page: Page, stub: Stub) -> None:
    await page.add_init_script(COUNTED)
    await page.goto(f"/#/jobs/{stub.world.running}")
    await all_is_read(page)
    hide = "state => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    await page.evaluate(hide, "hidden")
    asked = await page.evaluate("asked")
    began = await page.evaluate("performance.now()")
    await page.wait_for_function(
        "began => performance.now() > began + 3500", arg=began
    )  # its workers are asked for each 2 s
    assert await page.evaluate("asked") == asked > 0
    stub.change(lambda: stub.world.jobs[stub.world.running].update(updated=300_000))
    await page.evaluate(hide, "visible")
    await expect(page.locator("[data-progress]")).to_contain_text("315,757")


async def test_gone_server_is_said_and_found_again(page: Page, stub: Stub) -> None:
    await page.goto("/")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    await page.context.set_offline(True)
    stub.change(lambda: setattr(stub, "is_silent", True))
    await expect(page.locator(".notice.stale")).to_contain_text("The server cannot be reached")
    stub.is_silent = False
    await page.context.set_offline(False)
    await expect(page.locator(".notice.stale")).to_have_count(0)


async def test_overview_keeps_what_it_knew_when_the_database_is_down(page: Page, stub: Stub) -> None:
    await page.goto("/")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    stub.change(lambda: setattr(stub, "database", "connection refused at 127.0.0.1:5432"))
    await expect(page.get_by_role("alert")).to_contain_text("PostgreSQL is down. connection refused")
    await expect(page.locator("[data-freshness]")).to_contain_text("Stale: read")
    await expect(page.get_by_text("310,000 of 500,000 records")).to_be_visible()
    await expect(page.get_by_text("Nothing needs attention.")).to_have_count(0)
    await expect(page.locator("footer")).to_contain_text("PostgreSQL down")
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("PostgreSQL is down. connection refused")
    await expect(page.get_by_text("No job is active.")).to_have_count(0)
    stub.change(lambda: setattr(stub, "database", "up"))
    await expect(page.get_by_text("310,000 of 500,000 records")).to_be_visible()
