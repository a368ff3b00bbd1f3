"""The view of a job: each of its parts."""

import re

from playwright.async_api import Page, expect

from tests.support.page.stub import Stub


def part(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.locator("section").filter(has=page.get_by_role("heading", name=name, exact=True)).first


async def test_shows_progress_outcomes_and_when_it_will_be_done(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    progress = part(page, "Progress")
    await expect(progress.locator("[data-progress]")).to_have_text("62.0 % 310,000 of 500,000 records")
    for name, count in {"updated": "294,243", "unchanged": "15,500", "failed": "257", "left": "190,000"}.items():
        await expect(progress.locator(f'[data-count="{name}"]')).to_have_text(count)
    ends = ("1 min 1", "50 % at", "passed", "100 % at")
    for text in ("2,413/s", *ends, "620 of 1,000", "4 running", "at risk", "1,204 recovered"):
        await expect(progress).to_contain_text(text)
    await expect(progress.get_by_text(re.compile(r"\d\d:\d\d:\d\d to \d\d:\d\d:\d\d")).first).to_be_visible()
    coverage = part(page, "Coverage")
    for when, share in {"before": "54.5 %", "now": "71.3 %", "projected": "81.6 %"}.items():
        await expect(coverage.locator(f'[data-coverage="{when}"]')).to_have_text(share)
    await expect(part(page, "Passes").get_by_role("row").nth(2)).to_contain_text("1 min 18 s")
    await expect(page.get_by_text("1 partition held")).to_be_visible()


async def test_says_at_least_while_it_is_planned(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.planning}")
    await expect(part(page, "Progress")).to_contain_text("9,000 of at least 48,000 records")
    await expect(part(page, "Progress")).to_contain_text("still planning")
    await expect(part(page, "Timeline")).to_contain_text("all records are planned")
    stub.change(lambda: stub.world.jobs[stub.world.planning].update(is_planned=True, matched=50_000))
    await expect(part(page, "Progress").locator("[data-progress]")).to_have_text("18.0 % 9,000 of 50,000 records")


async def test_marks_changes_of_settings_in_the_throughput(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    throughput = part(page, "Throughput")
    await expect(throughput.locator("svg .change")).to_have_count(2)
    change = throughput.get_by_role("row").nth(1)
    for text in ("max workers 8", "1,351/s", "2,344/s", "+74 %"):
        await expect(change).to_contain_text(text)
    await throughput.get_by_text("The same as a table").click()
    await expect(throughput.get_by_role("table", name="Throughput by minute").get_by_role("row")).to_have_count(61)


async def test_map_shows_a_partition_behind_its_cell(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    board = page.get_by_role("group", name="Map of partitions")
    await expect(board.get_by_role("button")).to_have_count(200)
    failed = board.get_by_role("button", name="1 failed").first
    await expect(failed).to_have_text("F")
    await failed.click()
    await expect(page.get_by_role("heading", name="Partitions 0000000156 to 0000000160")).to_be_visible()
    await page.get_by_role("button", name="0000000158", exact=True).click()
    detail = page.get_by_role("region", name="Partition 0000000158")
    for text in ("worker-1:4101", "500", "812 ms", "ValueError", "500 record ids"):
        await expect(detail).to_contain_text(text)
    await detail.get_by_text("500 record ids").click()
    await expect(detail).to_contain_text(str(9_007_199_254_740_993 + 158 * 500))
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(detail).to_have_count(0)


async def test_marks_the_slowest_worker(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    slowest = part(page, "Workers").get_by_role("row").filter(has_text="slowest")
    await expect(slowest).to_have_count(1)
    for text in ("worker-3:4103", "0000000623", "41 s", "44 %", "139 MiB", "512/s", "1 s ago"):
        await expect(slowest).to_contain_text(text)


async def test_timeline_tells_what_was_and_what_is_expected(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    timeline = part(page, "Timeline")
    await expect(timeline.locator(".expected").last).to_contain_text("100 %, then the closing sweep")
    for text in ("the application is being deployed", "running → paused by token:ops", "max workers 8"):
        await expect(timeline).to_contain_text(text)


async def test_checklist_and_next_commands(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    checklist = part(page, "Checklist")
    await expect(checklist.get_by_role("listitem")).to_have_count(7)
    await expect(checklist.locator('[data-check="errors_zero"]')).to_contain_text("no: 257 of 310,000 records failed")
    await expect(part(page, "Next")).to_contain_text(f"backfill watch {stub.world.running}")
    report = part(page, "Next").get_by_role("link", name="This page as Markdown")
    await expect(report).to_have_attribute("href", re.compile(rf"/api/v1/backfill/jobs/{stub.world.running}/report$"))


async def test_failures_are_grouped_and_open_into_records(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.completed}")
    failures = part(page, "Failures")
    await expect(failures.get_by_role("button", expanded=False)).to_have_count(3)
    await failures.get_by_role("button", name="213 × ValueError").click()
    records = failures.get_by_role("table", name="Failed records: ValueError")
    await expect(records.get_by_role("row")).to_have_count(26)
    await expect(records.get_by_role("row").nth(1)).to_contain_text("9007199254740993")
    await failures.get_by_role("button", name="More failed records").click()
    await expect(records.get_by_role("row").nth(1)).to_contain_text("9007199254741018")


async def test_a_group_opens_into_its_own_records_and_groups_have_pages(page: Page, stub: Stub) -> None:
    many = [{"error_class": "KeyError", "message": f"kind {n}", "failed": 3, "sample": ["1"]} for n in range(60)]
    stub.world.groups = lambda _job: many  # type: ignore[method-assign]
    await page.goto(f"/#/jobs/{stub.world.completed}")
    failures = part(page, "Failures")
    await expect(failures.get_by_role("button", name="3 × KeyError")).to_have_count(50)
    await failures.get_by_role("button", name="More groups").click()
    await expect(failures.get_by_role("button", name="3 × KeyError")).to_have_count(10)
    await failures.get_by_role("button", name="3 × KeyError").last.click()
    records = failures.get_by_role("table", name="Failed records: KeyError")
    await expect(records.get_by_role("row")).to_have_count(4)
    await expect(records.get_by_role("row").nth(1)).to_contain_text("kind 59")


async def test_unknown_job_is_said(page: Page, watch) -> None:  # type: ignore[no-untyped-def]
    watch.forgiven = "404"
    await page.goto("/#/jobs/nobody")
    await expect(page.get_by_role("heading", level=1)).to_have_text("No such job")
    await expect(page.get_by_role("alert")).to_contain_text("no job 'nobody'; see: backfill list")


async def test_final_numbers_are_read_once_it_has_ended(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.planning}")
    await expect(page.locator("[data-freshness]")).to_contain_text("Live")

    def end() -> None:
        done = {"is_planned": True, "matched": 9_000, "completed_at": "2026-11-26T12:00:00Z", "running_partitions": 0}
        stub.world.jobs[stub.world.planning].update(state="completed", **done)

    stub.change(end)
    await expect(page.locator("[data-freshness]")).to_contain_text("Final")
    await expect(page.locator("[data-progress]")).to_have_text("100 % 9,000 of 9,000 records")
    await expect(page.get_by_role("status").first).to_have_text("Job prices is completed.")
    await expect(page.get_by_role("button", name="Delete")).to_be_visible()
