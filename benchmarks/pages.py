"""A server as a process of its own, and who looks at it: streams, and a page that asks again and again.

`python -m benchmarks.pages URL STREAMS` looks until it is ended.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

from backfill import door
from benchmarks import commands
from benchmarks.arena import Site
from benchmarks.commands import Command

API: Final = "/api/v1/backfill"
# What an open page of a job asks for, beside its stream.
ASKED: Final = ("map", "minutes", "workers", "failures/groups", "events", "checklist")
EVERY_SECONDS: Final = 5.0
READY: Final = "all streams are open"
DEADLINE: Final = 60.0


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The address of a server of the site's ledger."""
    with Command([commands.script("backfill"), "serve", "--port=0"], site.environment) as server:
        yield _told(server, "Page: ").rstrip("/")


@contextmanager
def looked_at(site: Site, streams: int) -> Iterator[None]:
    """A server whose newest job so many streams show, and one page besides."""
    with serving(site) as url:
        looking = [sys.executable, "-m", "benchmarks.pages", url, str(streams)]
        with Command(looking, site.environment) as looker:
            _told(looker, READY)
            yield
            looker.check()


def asked(url: str, path: str, times: int) -> list[float]:
    """Seconds of each of so many requests in a row, on one connection."""
    parts, seconds = urlsplit(url), []
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        for _ in range(times):
            began = time.perf_counter()
            connection.request("GET", f"{API}{path}")
            answer = connection.getresponse()
            body = answer.read()
            seconds.append(time.perf_counter() - began)
            assert answer.status == 200, body
            json.loads(body)
    finally:
        connection.close()
    return seconds


def _told(command: Command, beginning: str) -> str:
    """What follows that beginning in a line of its output, as soon as it is there."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        for line in command.output.splitlines():
            if line.startswith(beginning):
                return line.removeprefix(beginning)
        command.check()
        time.sleep(commands.POLL_SECONDS)
    raise commands.CommandError(f"never said {beginning!r}: {command.output[-1_000:]}")


# --- who looks


async def look(url: str, streams: int) -> None:
    """Open the streams, then read what they send, until one of them ends with its job."""
    opened = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(_read(url, opened)) for _ in range(streams)]
        page = tasks.create_task(_page(url))
        for _ in reading:
            await opened.acquire()
        door.line(READY)
        sys.stdout.flush()
        await asyncio.wait(reading)
        page.cancel()


async def _read(url: str, opened: asyncio.Semaphore) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET {API}/jobs/latest/stream HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        is_told = False
        while received := await reader.read(65_536):
            if not is_told and b"event: job" in received:
                is_told = True
                opened.release()
    finally:
        writer.close()


async def _page(url: str) -> None:
    while True:
        for path in ASKED:
            await asyncio.to_thread(asked, url, f"/jobs/latest/{path}", 1)
        await asyncio.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    asyncio.run(look(sys.argv[1], int(sys.argv[2])))
