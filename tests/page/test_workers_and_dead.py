"""The views of workers and of dead messages."""

from playwright.async_api import Page, expect

from tests.support.page.stub import Stub


async def test_stops_a_worker(page: Page, stub: Stub) -> None:
    await page.goto("/#/workers")
    row = page.get_by_role("row").filter(has_text="worker-2:4102")
    for text in ("53 %", "132 MiB", "80,480", "0000000622"):
        await expect(row).to_contain_text(text)
    await expect(page.get_by_role("button", name="Stop worker worker-4:4104")).to_have_count(0)
    await page.get_by_role("button", name="Stop worker worker-2:4102").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Nothing is lost.")
    await page.get_by_role("button", name="Stop it").click()
    await expect(row).to_contain_text("stopping")
    await expect(page.locator(".toast")).to_contain_text("was asked to stop")


async def test_lists_dead_messages_and_how_to_go_on(page: Page, stub: Stub) -> None:
    await page.goto("/#/dead")
    await expect(page.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_role("row").nth(1)).to_contain_text("rejected by a worker: out of attempts")
    await expect(page.get_by_text("backfill dead redrive --all")).to_be_visible()
    await page.get_by_role("combobox", name="Backfill").select_option("prices")
    await expect(page.get_by_text("No dead messages.")).to_be_visible()
