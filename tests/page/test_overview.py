"""The overview: what needs attention, jobs, queues, backfills, workers."""

from playwright.async_api import Page, expect

from tests.support.page.stub import Stub
from tests.support.page.world import World
from tests.support.waiting import eventually


async def test_shows_everything_that_happens(page: Page, stub: Stub) -> None:
    await page.goto("/")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    attention = page.get_by_role("region", name="Needs attention first")
    await expect(attention.get_by_role("listitem")).to_have_count(3)
    await expect(attention).to_contain_text("backfill resume " + stub.world.paused)
    running = page.get_by_role("row").filter(has=page.locator(f'a[href="#/jobs/{stub.world.running}"]')).first
    for text in ("running", "310,000 of 500,000 records (62.0 %)", "257", "2,413/s", "deadline at risk"):
        await expect(running).to_contain_text(text)
    planning = page.get_by_role("row").filter(has=page.locator(f'a[href="#/jobs/{stub.world.planning}"]')).first
    await expect(planning).to_contain_text("9,000 of at least 48,000 records (at most 18.8 %)")
    queues = page.get_by_role("region", name="Queues").first
    await expect(queues.get_by_role("row")).to_have_count(3)
    label = "Messages of killmail_values that waited, last hour: now 44, at most 74"
    await expect(queues.get_by_role("img").first).to_have_attribute("aria-label", label)
    await expect(page.get_by_role("region", name="Backfills").first).to_contain_text("71.3 %")
    await expect(page.locator("table").filter(has_text="worker-4:4104")).to_contain_text("gone")
    for text in ("backfill 0.1.0", "server up for 23 h", "PostgreSQL up", "RabbitMQ up", "read "):
        await expect(page.locator("footer")).to_contain_text(text)


async def test_follows_what_changes_without_a_reload(page: Page, stub: Stub) -> None:
    await page.goto("/")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="#/jobs/{stub.world.running}"]')).first
    await expect(row).to_contain_text("310,000")
    stub.change(lambda: stub.world.jobs[stub.world.running].update(updated=400_000))
    await expect(row).to_contain_text("415,757 of 500,000")


async def test_ten_thousand_jobs_are_paged_and_never_all_sent(page: Page, stub: Stub) -> None:
    stub.change(lambda: setattr(stub, "world", World(10_000)))
    await page.goto("/")
    jobs = page.get_by_role("region", name="Jobs").first
    await jobs.get_by_label("State").select_option("all")
    await expect(jobs.get_by_role("row")).to_have_count(26)
    first = await jobs.get_by_role("row").nth(1).inner_text()
    await expect(jobs.get_by_label("State")).to_contain_text("all (10,006)")
    await jobs.get_by_role("button", name="Older").click()
    await expect(jobs).to_contain_text("page 2")
    await expect(jobs.get_by_role("row")).to_have_count(26)
    assert await jobs.get_by_role("row").nth(1).inner_text() != first
    await jobs.get_by_role("button", name="Newer").click()
    await expect(jobs.get_by_role("row").nth(1)).to_contain_text("killmail_values")
    await jobs.get_by_label("State").select_option("cancelled")
    await jobs.get_by_label("Backfill").fill("labels")
    await expect(jobs).to_contain_text("No such job.")
    await jobs.get_by_label("Backfill").fill("prices")
    await expect(jobs.get_by_role("row").nth(1)).to_contain_text("cancelled")


async def test_where_nothing_is_active_what_was_last_is_shown(page: Page, stub: Stub) -> None:
    def end() -> None:
        for job in stub.world.jobs.values():
            job["completed_at"] = job["completed_at"] or job["created_at"]
            job["state"] = job["state"] if job["state"] in ("failed", "cancelled") else "completed"

    stub.change(end)
    await page.goto("/")
    jobs = page.get_by_role("region", name="Jobs").first
    await expect(jobs.get_by_label("State")).to_have_value("all")
    await expect(jobs.get_by_role("row").filter(has_text="completed").first).to_be_visible()


async def test_says_which_service_is_down(page: Page, stub: Stub) -> None:
    stub.broker = "connection refused at 127.0.0.1:5672"
    await page.goto("/")
    await expect(page.get_by_role("alert")).to_contain_text("RabbitMQ is down. connection refused at 127.0.0.1:5672")
    stub.change(lambda: setattr(stub, "broker", "up"))
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_copies_a_command(page: Page, stub: Stub) -> None:
    await page.goto("/")
    command = f"backfill resume {stub.world.paused}"
    await page.get_by_role("button", name=f"Copy {command}").click()

    async def is_copied() -> bool:
        return bool(await page.evaluate("navigator.clipboard.readText()") == command)

    await eventually(is_copied)
