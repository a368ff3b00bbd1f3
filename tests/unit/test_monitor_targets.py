"""Whether a host and port can be reached, and in which words it is said that they cannot."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill.monitor.profile import Profile, TargetSource
from backfill.monitor.readings import Reading
from backfill.monitor.sources import targets
from backfill.services import ports
from tests.support.surroundings import surroundings


async def look(address: str, timeout: float = 3) -> Reading:  # noqa: ASYNC109 - it is the source's
    reading, _ = await targets.read(
        TargetSource(address=address, timeout=timeout), Profile(), surroundings(Path()), {"kept": 1}
    )
    return reading


@pytest.fixture(params=["127.0.0.1", "::1"])
def listening(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        link = socket.create_server((request.param, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with link:
        yield link


async def test_what_listens_is_reached(listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    reading = await look(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    assert reading.target is not None
    assert (reading.target.why_not, reading.problems) == (None, [])
    assert 0 < (reading.target.milliseconds or 0) < 3000
    assert "connected in" in reading.seen


async def test_a_name_is_reached_at_whichever_of_its_addresses_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as link:
        reading = await look(f"localhost:{link.getsockname()[1]}")
    assert reading.target is not None
    assert reading.target.why_not is None


async def why(address: str) -> str:
    reading = await look(address, 0.3)
    assert reading.target is not None
    assert reading.target.milliseconds is None
    assert reading.target.why_not
    return reading.target.why_not


async def test_why_it_cannot_be_reached_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await why(f"127.0.0.1:{ports.free_block(1)}") == "it refuses the connection: nothing listens there"
    assert await why("127.0.0.1:99999") == "there is no port 99999"
    assert await why("127.0.0.1:0") == "there is no port 0"
    assert (await why(f"{'x' * 70}.example:80")).startswith("there is no host xxx")
    assert (await why("a..b:80")).startswith("there is no host a..b")

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert await why("nowhere.invalid:80") == "there is no host nowhere.invalid (Name or service not known)"


async def test_a_host_that_is_silent_is_waited_for_as_long_as_was_said() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as link:
        port = link.getsockname()[1]
        full = []
        for _ in range(8):  # until its queue takes no more
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            full.append(one)
        began = time.monotonic()
        assert await why(f"127.0.0.1:{port}") == "no answer within 0.3 s"
        assert time.monotonic() - began < 2
        for one in full:
            one.close()


async def test_a_resolver_that_is_silent_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_: object, **__: object) -> list[object]:
        loop.call_soon_threadsafe(asked.set)
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    assert await why("anywhere.example:80") == "no answer within 0.3 s"
    assert (asked.is_set(), time.monotonic() - began < 0.9) == (True, True)
    # An interpreter that ends does not wait for it either.
    assert [one.daemon for one in threading.enumerate() if one.name == "aside"] == [True]
