"""Writes the pictures of docs/page.md from a made-up world: `python -m tests.support.page.pictures`.

With pngquant (Debian has it), which makes them a third as large.
"""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, async_playwright

from tests.support.page.browser import ARGUMENTS, ensure
from tests.support.page.stub import Stub
from tests.support.page.world import World

IMAGES: Final = Path(__file__).parents[3] / "docs" / "images"
MOST_BYTES: Final = 150_000
WIDE: Final = (1280, 900)
PHONE: Final = (375, 760)


@dataclass(frozen=True)
class Picture:
    """What is shown, to whom, and how much of it."""

    name: str
    where: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = WIDE
    is_whole: bool = False


def wanted(world: World) -> list[Picture]:
    job = f"#/jobs/{world.running}"
    return [
        Picture("overview-light", "#/", is_whole=True),
        Picture("overview-dark", "#/", "dark"),
        Picture("overview-phone", "#/", "light", PHONE),
        Picture("job-light", job, is_whole=True),
        Picture("job-dark", job, "dark"),
        Picture("job-phone", job, "dark", PHONE),
        Picture("start-light", "#/start?backfill=killmail_values"),
        Picture("monitor-light", "#/monitor/erc1155", is_whole=True),
        Picture("start-phone", "#/start?backfill=killmail_values", "light", PHONE),
    ]


async def take(browser: Browser, stub: Stub, picture: Picture) -> bytes:
    context = await browser.new_context(
        base_url=stub.url,
        color_scheme=picture.scheme,
        reduced_motion="reduce",
        viewport={"width": picture.size[0], "height": picture.size[1]},
    )
    try:
        page = await context.new_page()
        await page.goto(f"/{picture.where}")
        await page.locator("main .panel").first.wait_for()
        if "start" in picture.where:
            await _preview(page, picture)
        await page.wait_for_function("() => !document.body.innerText.includes('Reading …')")
        return await page.screenshot(full_page=picture.is_whole, animations="disabled", caret="initial")
    finally:
        await context.close()


async def _preview(page: Page, picture: Picture) -> None:
    await page.get_by_label("Limit").fill("10000")
    await page.get_by_role("button", name="Preview").click()
    start = page.get_by_role("button", name="Start:")
    await start.wait_for()
    if picture.size == PHONE:
        await start.scroll_into_view_if_needed()
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")


def small(data: bytes) -> bytes:
    """The same in few enough colours that nobody sees a difference."""
    command = ["pngquant", "--speed=1", "--quality=80-98", "--strip", "-"]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, timeout=60, check=True).stdout


async def main(names: list[str]) -> None:
    if shutil.which("pngquant") is None:
        raise SystemExit("pngquant is not here, and makes the pictures a third as large; install it (Debian: pngquant)")
    stub = Stub(World(60))
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure(), args=ARGUMENTS)
        for picture in wanted(stub.world):
            if names and picture.name not in names:
                continue
            data = small(await take(browser, stub, picture))
            if len(data) > MOST_BYTES:
                raise SystemExit(f"{picture.name} has {len(data):,} bytes, more than {MOST_BYTES:,}")
            (IMAGES / f"{picture.name}.png").write_bytes(data)
            print(f"{picture.name}: {len(data):,} bytes")
        await browser.close()
    stub.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
