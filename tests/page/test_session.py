"""Signing in and out."""

import pytest
from playwright.async_api import Page, expect

from tests.page.conftest import Watch
from tests.support.page.stub import Stub


@pytest.fixture(autouse=True)
def _refusals(watch: Watch) -> None:
    watch.forgiven = "401|503"


async def test_signs_in_and_out(page: Page, stub: Stub) -> None:
    stub.token, stub.name = "bf_secret", "ops"
    await page.goto(f"/#/jobs/{stub.world.running}")
    await expect(page.get_by_label("Token")).to_be_focused()
    await page.get_by_label("Token").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("no such token, or it was revoked")
    await page.get_by_label("Token").fill("bf_secret")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("killmail_values")
    await expect(page.locator(".role")).to_have_text("ops (operate)")
    assert await page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_a_session_that_ends_leads_to_the_sign_in(page: Page, stub: Stub) -> None:
    stub.token = "bf_secret"
    stub.sessions.add("s1")
    await page.context.add_cookies([{"name": "backfill_session", "value": "s1", "url": stub.url}])
    await page.goto("/#/workers")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Workers")
    stub.sessions.clear()
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_waits_for_a_server_whose_database_is_down(page: Page, stub: Stub) -> None:
    stub.is_down = True
    await page.goto("/")
    await expect(page.get_by_role("alert")).to_contain_text("connection refused at 127.0.0.1:5432")
    stub.is_down = False
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
