"""Starting a job: look first, then start exactly what was looked at."""

from playwright.async_api import Page, expect

from tests.support.page.stub import Stub


async def test_starts_what_was_previewed(page: Page, stub: Stub) -> None:
    await page.goto("/#/start")
    await page.get_by_label("Backfill", exact=True).select_option("killmail_values")
    await expect(page.get_by_text("71.3 % of 1,840,000 records")).to_be_visible()
    await page.get_by_role("radio", name="zero").check()
    await page.get_by_label("Limit").fill("5000")
    await page.get_by_label("Batch size").fill("250")
    await page.get_by_text("More: single records").click()
    await page.get_by_label("Only these ids").fill("9007199254740993, 12\n13")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("[data-matched]")).to_have_text("5,000")
    await expect(page.get_by_role("group", name="Result")).to_be_focused()
    await expect(page.get_by_label("Predicate")).to_contain_text("total_value IS NULL")
    await page.get_by_text("Query plan").click()
    await expect(page.get_by_label("Query plan")).to_contain_text("Index Only Scan")
    await page.get_by_role("button", name="Start: 5,000 records").click()
    await expect(page.locator("[data-progress]")).to_contain_text("0 of 12,345 records")
    looked, started = (body for _, body in stub.writes())
    ids = ["9007199254740993", "12", "13"]
    expected = {"backfill": "killmail_values", "mode": "zero", "priority": "normal", "order": "asc"}
    assert started == expected | {"limit": 5000, "batch_size": 250, "ids": ids}
    assert looked == started | {"dry_run": True}
    assert len(stub.world.keys) == 1


async def test_a_change_asks_for_another_look(page: Page, stub: Stub) -> None:
    await page.goto("/#/start?backfill=killmail_values")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("button", name="Start:")).to_be_visible()
    await page.get_by_label("Limit").fill("7")
    await expect(page.get_by_role("button", name="Start:")).to_have_count(0)
    await page.get_by_role("radio", name="all").check()
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_text("2 other jobs of killmail_values are active")).to_be_visible()


async def test_asks_for_parameters_of_the_definition(page: Page, stub: Stub) -> None:
    await page.goto("/#/start?backfill=prices")
    await expect(page.get_by_label("region")).to_have_value("10000002")
    await page.get_by_label("since").fill("2026-11-01")
    await page.get_by_label("is_full").check()
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("[data-matched]")).to_be_visible()
    expected = {"region": 10_000_002, "since": "2026-11-01", "is_full": True}
    assert stub.writes()[0][1]["parameters"] == expected


async def test_refused_modes_say_why(page: Page, stub: Stub) -> None:
    await page.goto("/#/start?backfill=labels")
    await expect(page.get_by_role("radio", name="zero")).to_be_disabled()
    await expect(page.get_by_text("column label is of type text, which has no 0")).to_be_visible()


async def test_wrong_option_is_said_and_nothing_is_lost(page: Page, stub: Stub, watch) -> None:  # type: ignore[no-untyped-def]
    watch.forgiven = "422"
    await page.goto("/#/start?backfill=killmail_values")
    await page.get_by_text("More: single records").click()
    await page.get_by_label("Only behind this key").fill("x")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("alert")).to_contain_text("--after: 'x' is no bigint")
    await expect(page.get_by_label("Only behind this key")).to_have_value("x")


async def test_nothing_matched_starts_nothing(page: Page, stub: Stub) -> None:
    stub.world.matched = 0
    await page.goto("/#/start?backfill=killmail_values")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_text("Nothing matches, so there is nothing to start.")).to_be_visible()
    await expect(page.get_by_role("button", name="Start:")).to_have_count(0)
