"""Fixtures of the page: one browser for the run, and for each test a server with a world of its own."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright, expect

from tests.support.page.browser import ARGUMENTS, ensure
from tests.support.page.stub import Stub

SECONDS = 30  # the page asks again after at most 5, and a busy machine stands still now and then
expect.set_options(timeout=SECONDS * 1000)


@dataclass
class Watch:
    """What must not happen while a page is looked at."""

    host: str
    problems: list[str] = field(default_factory=list)
    forgiven: str = r"(?!)"  # of the browser's own lines on refused requests, those that a test provokes

    def over(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not re.search(self.forgiven, message.text):
            self.problems.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ("data", "about") and where.netloc != self.host:
            self.problems.append(f"a request left the host: {request.url}")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a head."""
    try:
        program = ensure()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        await started.close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    """The server of this test."""
    started = Stub()
    yield started
    started.close()


@pytest.fixture
def base_url(stub: Stub) -> str:
    """Where the page is; a module that looks at a real server has its own."""
    return stub.url


@pytest.fixture
def watch(base_url: str) -> Watch:
    return Watch(urlsplit(base_url).netloc)


@pytest.fixture
def scheme() -> str:
    """Light, or what a test asks for."""
    return "light"


@pytest.fixture
async def context(browser: Browser, base_url: str, scheme: str) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(
        base_url=base_url,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 900},
        permissions=["clipboard-read", "clipboard-write"],
    )
    made.set_default_timeout(SECONDS * 1000)
    yield made
    await made.close()


@pytest.fixture
async def page(context: BrowserContext, watch: Watch) -> AsyncIterator[Page]:
    """A tab; in the end nothing may have gone wrong in it, and nothing have left the host."""
    opened = await context.new_page()
    watch.over(opened)
    yield opened
    assert watch.problems == []
