"""The views of what the monitor watches, and its report as a file."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from backfill.monitor.render.html import page as file_of
from tests.page.conftest import Watch
from tests.page.test_reach import violations
from tests.support.page.scene import HOSTILE
from tests.support.page.stub import Stub
from tests.support.reports import attacked, load

pytestmark = pytest.mark.long

NOTED = """{
    const asking = window.fetch;
    window.readAt = [];
    window.fetch = (url, ...more) => {
        if (String(url).endsWith("/monitor/erc1155")) window.readAt.push(Date.now());
        return asking(url, ...more);
    };
}"""


async def test_the_list_says_of_each_what_is_to_be_said_first(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Monitor").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Monitor")
    rows = page.get_by_role("table", name="Watched backfills").get_by_role("row")
    await expect(rows).to_have_count(5)
    await expect(rows.nth(1)).to_contain_text("ERC-1155 load")
    await expect(rows.nth(1)).to_contain_text("running: 61.7 % done")
    await expect(rows.nth(3).locator(".state.is-failed")).to_have_text("dead")
    await rows.nth(1).get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("ERC-1155 load")
    await expect(page.get_by_role("link", name="Monitor").first).to_have_attribute("aria-current", "page")


async def test_a_report_says_all_that_it_has(page: Page) -> None:
    await page.goto("/#/monitor/erc1155")
    main = page.get_by_role("main")
    for title in ("Findings", "What to do", "Throughput", "Workers", "Errors", "Data quality", "Numbers", "ETA",
                  "By status", "Sources"):  # fmt: skip
        await expect(main.get_by_role("heading", name=title, exact=True)).to_be_visible()
    for text in (
        "worker 9 stands still for 14 min 03 s", "tmp/load_erc1155.log:48213: Worker 9: 61.2% complete",
        "8-23 at 61.2 to 84.0 %", "worker 9 at 61.2 %", "< 50 an hour", "not within", "< 0.0001 %", "812",
        "between 33 min and 3 h 10 min from now", "the query took longer than 10 s", "9,007,199,254,740,993",
    ):  # fmt: skip
        await expect(main).to_contain_text(text)
    await expect(main.get_by_role("button", name="Copy backfill monitor --profile erc1155")).to_be_visible()


async def test_what_is_not_known_is_left_out(page: Page) -> None:
    await page.goto("/#/monitor/market")
    await expect(page.locator(".state.is-completed").first).to_have_text("finished")
    await expect(page.get_by_role("main").locator(".panel")).to_have_count(1)
    await expect(page.get_by_role("heading", name="ETA")).to_be_visible()


async def test_the_overview_says_which_need_attention(page: Page, stub: Stub) -> None:
    for name in [*stub.world.monitored]:
        if name not in ("erc1155", "market", "gone"):
            del stub.world.monitored[name]
    await page.goto("/")
    panel = page.locator(".panel", has=page.get_by_role("heading", name="Watched: needs attention (2)"))
    await expect(panel.get_by_role("listitem")).to_have_count(2)
    await expect(panel.get_by_role("listitem").first).to_contain_text("critical: Gone dead: process 4102 is gone")
    assert await violations(page) == []
    await panel.get_by_role("link", name="ERC-1155 load").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("ERC-1155 load")


async def test_nothing_needs_attention_only_where_no_watched_one_does(page: Page, stub: Stub) -> None:
    stub.world.jobs.clear()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Watched: needs attention (3)")).to_be_visible()
    await expect(page.get_by_text("Nothing needs attention.")).to_have_count(0)


async def test_a_server_without_profiles_has_no_entry_for_them(page: Page, stub: Stub) -> None:
    stub.world.monitored.clear()
    await page.goto("/#/monitor")
    await expect(page.get_by_text("This server was given no profile.")).to_be_visible()
    await expect(page.get_by_role("link", name="Overview")).to_be_visible()
    await expect(page.get_by_role("navigation", name="Views").get_by_role("link", name="Monitor")).to_have_count(0)


async def test_it_is_read_again_after_thirty_seconds_and_a_change_is_said(page: Page, stub: Stub) -> None:
    await page.clock.install()
    await page.add_init_script(NOTED)
    await page.goto("/#/monitor/erc1155")
    await expect(page.locator(".titles .state")).to_have_text("running")
    stub.world.monitored["erc1155"] |= {"state": "stuck", "headline": "stuck: nothing for 10 min"}
    await page.clock.run_for(31_000)
    await expect(page.locator(".titles .state")).to_have_text("stuck")
    await expect(page.get_by_role("status").first).to_have_text("ERC-1155 load is stuck.")
    # By the page's clock, which goes on by itself too.
    first, second = (await page.evaluate("readAt"))[:2]
    assert 30_000 <= second - first < 45_000


async def test_a_look_that_is_old_is_shown_as_old(page: Page, stub: Stub) -> None:
    await page.goto("/#/monitor/market")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live: read")
    stub.world.monitored["erc1155"]["age_seconds"] = 300.0
    await page.goto("/#/monitor/erc1155")
    await expect(page.locator("[data-freshness]")).to_contain_text("Stale: read")
    await expect(page.locator(".notice.stale")).to_contain_text(
        re.compile(r"[56] min \d\d s old\. The server has not looked again since\.")
    )
    await expect(page.get_by_role("main")).to_contain_text("worker 9 stands still")


async def test_a_profile_that_is_not_there_is_said(page: Page, watch: Watch) -> None:
    watch.forgiven = "404"
    await page.goto("/#/monitor/none")
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such profile")
    await expect(page.get_by_role("alert")).to_contain_text("this server shows no such profile")


async def test_hostile_texts_are_shown_as_they_are(page: Page) -> None:
    await page.goto(f"/#/monitor/{quote(HOSTILE, safe='')}")
    # What a reader would not see is written out.
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE.replace("\u202e", "\\u202e"))
    await expect(page.get_by_role("main").locator(".panel")).to_have_count(10)
    assert await page.evaluate("window.pwned") is None
    assert await page.locator("main img, main script").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.set_viewport_size({"width": 375, "height": 700})
    assert await page.evaluate("document.documentElement.scrollWidth") == 375


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("text", ["", HOSTILE])
async def test_the_file_can_be_read_by_everybody_everywhere(
    browser: Browser, context: BrowserContext, tmp_path: Path, text: str, scheme: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(file_of(attacked(text) if text else load()))
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url))
    await page.goto(file.as_uri())
    for width in (375, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth") == width
    await page.get_by_text("The last 15 minutes").click()
    await expect(page.get_by_role("table")).to_be_visible()
    assert await violations(page) == []
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert said == [file.as_uri()]
    await page.close()
