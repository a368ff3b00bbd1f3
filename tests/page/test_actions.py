"""What may be done to a job: each asks first, and is absent where it may not be done."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.page.test_job import part
from tests.support.page.stub import Stub


async def ask(page: Page, name: str) -> None:
    await page.get_by_role("group", name="Actions").get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def answer(page: Page, name: str) -> None:
    await page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


async def test_pauses_with_a_reason_and_resumes(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    await ask(page, "Pause")
    await page.get_by_role("dialog").get_by_label("Reason").fill("the database is busy")
    await answer(page, "Pause")
    await expect(page.locator(".head .state").first).to_have_text("paused")
    await expect(page.locator(".notice.is-paused")).to_contain_text("by token:local")
    await expect(page.locator(".notice.is-paused")).to_contain_text("the database is busy")
    await expect(part(page, "Timeline").get_by_role("listitem").nth(1)).to_contain_text("the database is busy")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await ask(page, "Resume")
    await answer(page, "Resume")
    await expect(page.locator(".head .state").first).to_have_text("running")
    where = f"/jobs/{stub.world.running}"
    assert stub.writes() == [(f"{where}/pause", {"reason": "the database is busy"}), (f"{where}/resume", {})]


async def test_cancels_only_with_a_reason(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    await ask(page, "Cancel")
    await expect(page.get_by_role("dialog")).to_contain_text("cannot be resumed")
    await expect(page.get_by_role("dialog").get_by_role("button", name="Cancel the job")).to_be_disabled()
    await answer(page, "Leave it")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert stub.writes() == []
    await ask(page, "Cancel")
    await page.get_by_role("dialog").get_by_label("Reason").fill("wrong table")
    await answer(page, "Cancel the job")
    await expect(page.locator(".head .state").first).to_have_text("cancelled")
    assert stub.writes() == [(f"/jobs/{stub.world.running}/cancel", {"reason": "wrong table"})]


async def test_deletes_once_its_name_is_typed(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.completed}")
    await ask(page, "Delete")
    delete = page.get_by_role("dialog").get_by_role("button", name="Delete the job")
    await expect(delete).to_be_disabled()
    await page.get_by_role("dialog").get_by_label("Type").fill("killmail_value")
    await expect(delete).to_be_disabled()
    await page.get_by_role("dialog").get_by_label("Type").fill("killmail_values")
    await delete.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert stub.world.completed not in stub.world.jobs


async def test_resets_what_is_stuck(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    await ask(page, "Reset stuck")
    await answer(page, "Reset")
    await expect(page.locator(".toast")).to_contain_text("2 partitions were reset")


@pytest.mark.parametrize(
    ("button", "body", "records", "text"),
    [
        ("Retry all", {}, 257, "at most 257 records"),
        (
            "Retry the 41 records of LookupError",
            {"error_class": "LookupError", "message": "no price for type …"},
            41,
            "at most 41 records",
        ),
        ("Retry record 9007199254740994", {"record_ids": ["9007199254740994"]}, 1, "exactly this record"),
    ],
)
async def test_retries_all_a_group_or_one(
    page: Page, stub: Stub, button: str, body: object, records: int, text: str
) -> None:
    await page.goto(f"/#/jobs/{stub.world.completed}")
    failures = part(page, "Failures")
    await failures.get_by_role("button", name="213 × ValueError").click()
    await failures.get_by_role("button", name=button).click()
    await expect(page.get_by_role("dialog")).to_contain_text(text)
    await answer(page, "Retry")
    await expect(page.locator("[data-progress]")).to_contain_text(f"0 of {records} records")
    await expect(page.get_by_role("link", name="an earlier job")).to_be_visible()
    assert stub.writes() == [(f"/jobs/{stub.world.completed}/retry", body)]


async def test_what_is_retried_is_told_where_not_all_failures_are_grouped(page: Page, stub: Stub) -> None:
    stub.world.jobs[stub.world.completed]["failed"] = 20_000
    await page.goto(f"/#/jobs/{stub.world.completed}")
    failures = part(page, "Failures")
    await expect(failures).to_contain_text("Grouped are the newest 257 failures.")
    await failures.get_by_role("button", name="Retry all").click()
    await expect(page.get_by_role("dialog")).to_contain_text("at most 20,000 records")
    await answer(page, "Not now")
    await failures.get_by_role("button", name="Retry the 41 records of LookupError").click()
    await expect(page.get_by_role("dialog")).to_contain_text("older ones than are shown here too")


async def test_changes_live_settings_and_clears_the_deadline(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    settings = part(page, "Live settings")
    await settings.get_by_role("button", name="Change").click()
    await settings.get_by_label("Workers at once").fill("99999")
    await settings.get_by_label("Workers at once").evaluate("field => field.removeAttribute('max')")
    await settings.get_by_label("Deadline").fill("")
    await settings.get_by_role("button", name="Change").click()
    await expect(settings.get_by_role("alert")).to_contain_text("max_workers is at most 10000")
    await settings.get_by_label("Workers at once").fill("")
    await settings.get_by_label("Priority").select_option("high")
    await settings.get_by_role("button", name="Change").click()
    for text in ("high", "any number", "none"):
        await expect(settings.locator("dl")).to_contain_text(text)
    assert stub.writes("PATCH")[-1][1] == {"priority": "high", "max_workers": None, "deadline": None}


@pytest.fixture(autouse=True)
def _refusals(watch) -> None:  # type: ignore[no-untyped-def]
    watch.forgiven = "409|422"


async def test_shows_what_is_possible_when_somebody_else_was_faster(page: Page, stub: Stub) -> None:
    await page.goto(f"/#/jobs/{stub.world.running}")
    await ask(page, "Pause")
    stub.world.jobs[stub.world.running]["state"] = "cancelled"
    await answer(page, "Pause")
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(
        "is cancelled Possible now: retry, delete."
    )
    await answer(page, "Not now")
    await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("state", ["pending", "running", "paused", "completed", "cancelled"])
async def test_offers_only_what_the_state_allows(page: Page, stub: Stub, state: str) -> None:
    expected = {
        "pending": ["Pause", "Reset stuck", "Cancel"],
        "running": ["Pause", "Reset stuck", "Cancel"],
        "paused": ["Resume", "Cancel"],
    }.get(state, ["Delete"])
    stub.world.jobs[stub.world.completed] |= {"state": state}
    await page.goto(f"/#/jobs/{stub.world.completed}")
    await expect(page.get_by_role("group", name="Actions").get_by_role("button")).to_have_text(expected)
    may_retry = state in ("completed", "cancelled")
    await expect(page.get_by_role("button", name="Retry all")).to_have_count(1 if may_retry else 0)


async def test_whoever_may_only_read_is_offered_nothing(page: Page, stub: Stub) -> None:
    stub.role = "read"
    for where in ("", f"jobs/{stub.world.running}", f"jobs/{stub.world.completed}", "workers", "dead"):
        await page.goto(f"/#/{where}")
        await page.reload()
        await expect(page.locator("main .panel").first).to_be_visible()
        forbidden = re.compile("^(Pause|Cancel|Delete|Retry|Change|Stop|Resume|Reset)")
        await expect(page.get_by_role("button", name=forbidden)).to_have_count(0)
        await expect(page.get_by_role("link", name="Start")).to_have_count(0)
    await page.goto("/#/start")
    await expect(page.get_by_text("Your token may only read.")).to_be_visible()
