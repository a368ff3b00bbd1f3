"""The page at a real server, on real services, while real workers run."""

import re
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page, expect

from tests.page.conftest import Watch
from tests.page.test_job import part
from tests.support.commands import Command
from tests.support.operating import done
from tests.support.serving import Served, serving, token
from tests.support.waiting import eventually
from tests.support.world import World, new_world

RECORDS, FAILING = 800, 4
OUTCOMES = ("updated", "unchanged", "skipped", "failed", "deleted")
# Milliseconds for a record: with the first a job is not over before it has been looked at and steered.
SLOW, QUICK = 150, 5
END = 60_000  # milliseconds; it takes some seconds on a machine that has nothing else to do


@pytest.fixture
async def world(database: str, vhost: str, env: dict[str, str], spawn: Callable[..., Command]) -> AsyncIterator[World]:
    async with new_world(database, vhost, env, spawn) as made:
        made.definition = "tests.support.page.watched:Watched"
        await made.rows(RECORDS, base=f"CASE WHEN id % {RECORDS // FAILING} = 0 THEN -1 ELSE {SLOW} END")
        yield made


@pytest.fixture
async def secret(world: World) -> str:
    return await token(world)


@pytest.fixture
async def served(world: World, secret: str) -> AsyncIterator[Served]:
    async with serving(world, token=secret) as server:
        yield server


@pytest.fixture
def base_url(served: Served) -> str:
    return served.url


@pytest.fixture(autouse=True)
def _sign_in_is_asked_for(watch: Watch) -> None:
    watch.forgiven = "401"


async def state(page: Page, name: str) -> None:
    await expect(page.locator(".head .state").first).to_have_text(name, timeout=END)


async def act(page: Page, name: str, verb: str, reason: str = "") -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    dialog = page.get_by_role("dialog")
    if reason:
        await dialog.get_by_label("Reason").fill(reason)
    await dialog.get_by_role("button", name=verb, exact=True).click()


async def start(page: Page, mode: str) -> str:
    """Start a job from its preview; its id."""
    await page.goto("/#/start")
    await page.get_by_role("radio", name=mode).check()
    await page.get_by_label("Batch size").fill("10")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("[data-matched]")).to_have_text(str(RECORDS))
    await page.get_by_role("button", name=f"Start: {RECORDS} records").click()
    await expect(page.locator("[data-progress]")).to_be_visible()
    return page.url.rpartition("/")[2]


async def numbers(page: Page) -> dict[str, int]:
    shown = {name: await page.locator(f'[data-count="{name}"]').inner_text() for name in OUTCOMES}
    return {name: int(text.replace(",", "")) for name, text in shown.items()}


async def test_a_job_is_started_watched_steered_and_retried(
    page: Page, world: World, served: Served, secret: str
) -> None:
    for _ in range(2):
        world.worker("--concurrency=2")
    await page.goto("/")
    await page.get_by_label("Token").fill(secret)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    await expect(page.locator(".role")).to_have_text("ada (operate)")

    job = await start(page, "null")
    await state(page, "running")
    await page.evaluate("window.isTheSamePage = true")
    seen: set[str] = set()

    async def goes_on() -> bool:
        seen.add(await page.locator("[data-progress]").inner_text())
        return len(seen) >= 4

    await eventually(goes_on, deadline=60, what="progress that is seen live")
    await expect(part(page, "Workers").get_by_role("row")).to_have_count(3)
    await expect(page.get_by_role("group", name="Map of partitions").get_by_role("button")).not_to_have_count(0)

    await act(page, "Pause", "Pause", reason="we look at it")
    await state(page, "paused")
    await expect(page.locator(".notice.is-paused")).to_contain_text("token:ada")
    await expect(page.locator(".notice.is-paused")).to_contain_text("we look at it")
    assert await world.state() == "paused"
    await act(page, "Resume", "Resume")
    await state(page, "running")
    await world.execute("UPDATE things SET base = $1 WHERE base > 0", QUICK)
    await state(page, "completed")
    await expect(page.locator("[data-freshness]")).to_contain_text("Final")
    assert await page.evaluate("window.isTheSamePage")

    expected = {"updated": RECORDS - FAILING, "unchanged": 0, "skipped": 0, "failed": FAILING, "deleted": 0}
    shown = await numbers(page)
    api = await served.get(f"/jobs/{job}")
    told = (await done(world, "status", job, "--json")).json
    columns = ", ".join(f"records_{name} AS {name}" for name in OUTCOMES)
    (row,) = await world.fetch(f"SELECT {columns} FROM backfill_jobs WHERE id::text = $1", job)
    assert shown == expected == dict(row) == {name: api[name] for name in OUTCOMES}
    assert {name: told[name] for name in OUTCOMES} == expected
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == RECORDS - FAILING

    await page.get_by_role("button", name=f"{FAILING} × ValueError").click()
    await world.execute("UPDATE things SET base = 0 WHERE id = $1", RECORDS)
    await act(page, f"Retry record {RECORDS}", "Retry")
    await expect(page.get_by_role("link", name="an earlier job")).to_be_visible()
    await state(page, "completed")
    assert await numbers(page) == dict.fromkeys(OUTCOMES, 0) | {"updated": 1}
    assert await world.value("SELECT value FROM things WHERE id = $1", RECORDS) == 1

    await world.execute("UPDATE things SET base = $1", SLOW)
    cancelled = await start(page, "all")
    await act(page, "Cancel", "Cancel the job", reason="once is enough")
    await state(page, "cancelled")
    event = (
        "SELECT actor, reason FROM backfill_events WHERE backfill_job_id = $1::text::uuid AND event = 'job.cancelled'"
    )
    (row,) = await world.fetch(event, cancelled)
    assert tuple(row) == ("token:ada", "once is enough")
    await expect(part(page, "Timeline")).to_contain_text("once is enough")
    assert not re.search(re.escape(secret), served.command.output)
