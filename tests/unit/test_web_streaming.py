"""Streams and connections of a server: how much of it there may be, and who is given up."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from fastapi import HTTPException, Request
from starlette.types import Receive, Scope, Send

from backfill.web import hub as module
from backfill.web import listening, streams
from backfill.web.hub import FullError, Hub, Listener, News
from backfill.web.session import _is_secure
from tests.support.waiting import eventually


async def test_so_many_jobs_are_looked_at_and_few_are_read_at_once() -> None:
    reading = most = 0
    read_by: set[int] = set()

    def reader(number: int) -> Callable[[], Callable[[], Awaitable[News]]]:
        async def read() -> News:
            nonlocal reading, most
            reading += 1
            most = max(most, reading)
            await asyncio.sleep(0)
            reading -= 1
            read_by.add(number)
            return News("job", {"state": "running"})

        return lambda: read

    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as stack:
        hub = Hub(tasks)
        for number in range(module.MOST_TOPICS):
            await stack.enter_async_context(hub.listening(number, reader(number)))
        with pytest.raises(FullError, match="100 jobs"):
            await stack.enter_async_context(hub.listening("one more", reader(-1)))
        await stack.enter_async_context(hub.listening(5, reader(5)))  # what is looked at already costs nothing

        async def all_read() -> bool:
            return len(read_by) == module.MOST_TOPICS

        await eventually(all_read)
        assert 1 < most <= module.READERS
        await stack.aclose()
        await hub.ended()


async def test_a_slow_client_has_one_state_waiting_and_every_event() -> None:
    listener = Listener()
    for number in range(5):
        listener.give(f"event {number}".encode())
        listener.give(f"state {number}".encode(), is_state=True)
    assert [*listener.waiting] == [b"event 0", b"event 1", b"event 2", b"event 3", b"event 4", b"state 4"]


async def test_a_stream_ends_for_whoever_does_not_send_the_body_that_he_announced() -> None:
    async def receive() -> Any:
        raise HTTPException(408, "the body has not arrived")

    leaving = asyncio.create_task(streams._left(receive))
    await asyncio.wait({leaving}, timeout=5)
    assert leaving.exception() is None


@pytest.mark.parametrize(("said", "is_secure"), [("https", True), ("https,http", True), ("http, https", False)])
def test_the_browser_s_way_is_that_to_the_first_proxy(said: str, is_secure: bool) -> None:
    scope = {"type": "http", "scheme": "http", "path": "/", "headers": [(b"x-forwarded-proto", said.encode())]}
    assert _is_secure(Request(scope)) is is_secure


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[tuple[int, listening.Server]]:
    """A server, and its port."""
    made = listening.bound("127.0.0.1", 0)
    server = listening.Server(app, "", lambda: None, lambda: None)
    task = asyncio.create_task(server.serve(sockets=[made]))
    try:
        yield made.getsockname()[1], server
    finally:
        server.should_exit = True
        await task


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what no buffer holds."""
    body = b" " * 8_000_000 if scope["path"] == "/large" else b"{}"
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "ASKING_SECONDS", 0.3)
    monkeypatch.setattr(listening, "TAKING_SECONDS", 0.3)
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.05)


@asynccontextmanager
async def client(port: int) -> AsyncIterator[socket.socket]:
    """One that takes only what it asks the system for."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
        yield made


async def given_up(one: socket.socket) -> None:
    """The server has closed the link: what is still said arrives nowhere."""

    def told() -> bool:
        try:
            one.send(b"x")
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return False

    await eventually(told, deadline=5)


@pytest.mark.usefixtures("soon")
async def test_a_second_request_that_does_not_come_to_its_point_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    async with served(large) as (port, _), client(port) as one:
        await loop.sock_sendall(one, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200" in await loop.sock_recv(one, 4_096)
        await loop.sock_sendall(one, b"GET / HTTP/1.1\r\nX: ")
        await given_up(one)  # a byte now and then gains no time


@pytest.mark.usefixtures("soon")
async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    async with served(large) as (port, server), client(port) as one:
        await loop.sock_sendall(one, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        await eventually(lambda: server.server_state.connections)
        await eventually(lambda: not server.server_state.connections, deadline=5)


@pytest.mark.usefixtures("soon")
async def test_who_takes_his_answer_slowly_has_all_of_it() -> None:
    loop, got = asyncio.get_running_loop(), 0
    async with served(large) as (port, _), client(port) as one:
        await loop.sock_sendall(one, b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        began = loop.time()
        while part := await loop.sock_recv(one, 200_000):
            got += len(part)
            await asyncio.sleep(max(0.0, began + got / 8_000_000 - loop.time()))  # takes a second in all
    assert got > 8_000_000
