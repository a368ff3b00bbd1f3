"""For everybody: by keyboard, by screen reader, on a phone, light and dark."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.support.page.stub import Stub

pytestmark = pytest.mark.long

OUTLINE = """() => {
    const style = getComputedStyle(document.activeElement);
    return [style.outlineStyle, style.outlineWidth];
}"""
SCAN = "rules => axe.run(document, { resultTypes: ['violations'], ...(rules.length ? { runOnly: rules } : {}) })"
AXE = Path(__file__).parents[1] / "support/page/vendor/axe.min.js"


def views(stub: Stub) -> dict[str, str]:
    world = stub.world
    return {
        "overview": "",
        "running": f"jobs/{world.running}",
        "paused": f"jobs/{world.paused}",
        "completed": f"jobs/{world.completed}",
        "start": "start?backfill=prices",
        "workers": "workers",
        "dead": "dead",
        "monitor": "monitor",
        "monitored": "monitor/erc1155",
    }


async def show(page: Page, where: str) -> None:
    await page.goto(f"/#/{where}")
    await expect(page.locator("main .panel").first).to_be_visible()
    await expect(page.get_by_text("Reading …")).to_have_count(0)


async def violations(page: Page, *rules: str) -> list[str]:
    """What the scan objects to, by these rules or by all."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())  # by the debugger: the page's policy would refuse it, as it should
    found: dict[str, Any] = await page.evaluate(SCAN, rules)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_scan_finds_nothing(page: Page, stub: Stub, scheme: str) -> None:
    rules = ["color-contrast"] if scheme == "dark" else []  # all else is the same in the dark
    for name, where in views(stub).items():
        await show(page, where)
        if name == "running":
            await page.get_by_role("button", name="1 failed").first.click()
            await page.get_by_role("button", name="Change").click()
        if name == "completed":
            await page.get_by_role("button", name="213 × ValueError").click()
            await expect(page.get_by_role("table", name="Failed records")).to_be_visible()
        if name == "start":
            await page.get_by_label("since").fill("2026-11-01")
            await page.get_by_role("button", name="Preview").click()
            await expect(page.locator(".preview")).to_be_visible()
        assert await violations(page, *rules) == [], name
    await show(page, f"jobs/{stub.world.running}")
    await page.get_by_role("button", name="Cancel").click()
    assert await violations(page, *rules) == [], "dialog"


async def test_scan_finds_nothing_at_the_sign_in(page: Page, stub: Stub, watch) -> None:  # type: ignore[no-untyped-def]
    watch.forgiven = "401"
    stub.token = "bf_secret"
    await page.goto("/")
    await expect(page.get_by_label("Token")).to_be_visible()
    assert await violations(page) == []


async def test_fits_a_phone(context: BrowserContext, page: Page, stub: Stub) -> None:
    await page.set_viewport_size({"width": 375, "height": 700})
    for where in views(stub).values():
        await show(page, where)
        assert await page.evaluate("document.documentElement.scrollWidth") == 375, where
    await show(page, f"jobs/{stub.world.running}")
    sizes = "nodes => nodes.map(node => Math.min(node.offsetWidth, node.offsetHeight))"
    assert min(await page.locator(".map button, .actions button").evaluate_all(sizes)) >= 24


async def test_everything_is_done_by_keyboard(page: Page, stub: Stub) -> None:
    await show(page, "")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await tab_to(
        page, page.locator(f'td a[href="#/jobs/{stub.world.running}"], th a[href="#/jobs/{stub.world.running}"]').first
    )
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("killmail_values")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await tab_to(page, page.get_by_role("button", name="Cancel", exact=True))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_focused()
    cells = page.get_by_role("group", name="Map of partitions").get_by_role("button")
    await tab_to(page, cells.first)
    await page.keyboard.press("ArrowRight")
    await expect(cells.nth(1)).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await expect(cells.nth(199)).to_be_focused()
    await page.keyboard.press("Home")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Partitions 0000000001 to 0000000005")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Partitions 0000000001 to 0000000005")).to_have_count(0)
    await expect(cells.first).to_be_focused()


async def tab_to(page: Page, target: Any, most: int = 80) -> None:
    """Press Tab until the target has the focus, which has to be seen wherever it is."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        style, width = await page.evaluate(OUTLINE)
        assert (style, width) == ("solid", "3px"), await page.evaluate("document.activeElement.outerHTML")
        if await target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


async def test_numbers_that_change_are_not_read_aloud(page: Page, stub: Stub) -> None:
    await show(page, f"jobs/{stub.world.running}")
    live = page.locator("[aria-live], [role=status], [role=alert]")
    assert await live.evaluate_all("nodes => nodes.map(node => node.textContent.trim()).filter(Boolean)") == []
    stub.change(lambda: stub.world.jobs[stub.world.running].update(state="paused", paused_by="ops"))
    await expect(page.get_by_role("status").first).to_have_text("Job killmail_values is paused.")


async def test_focus_stays_while_numbers_come(page: Page, stub: Stub) -> None:
    await show(page, f"jobs/{stub.world.running}")
    pause = page.get_by_role("button", name="Pause", exact=True)
    await pause.focus()
    stub.change(lambda: stub.world.jobs[stub.world.running].update(updated=300_000))
    await expect(page.locator("[data-progress]")).to_contain_text("315,757")
    await expect(pause).to_be_focused()
