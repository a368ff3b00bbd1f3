"""Where the server listens, and how long it waits for whoever says nothing."""

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from backfill.errors import UsageError
from backfill.texts import clean

BACKLOG: Final = 1_024
CONNECTIONS: Final = 2_000  # more are told that it is busy
KEEP_ALIVE_SECONDS: Final = 30
ASKING_SECONDS: Final = 10.0  # for the head of a request, the first one or a later one
TAKING_SECONDS: Final = 20.0  # for some of an answer
LOOK_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 3
BUFFER_BYTES: Final = 16 * 1024  # of an answer that waits for its client, in this process
KERNEL_BYTES: Final = 64 * 1024  # and in the system


def is_loopback(host: str) -> bool:
    """Whether only this machine can ask there; a name counts by all the addresses it has."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def bound(host: str, port: int) -> socket.socket:
    """A socket at that address; raises UsageError where there can be none."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot listen on {clean(host, 200)} ({error}); give another --host") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)  # what it accepts has the same
        made.bind(address)
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}); give another --host or --port, 0 for a free one"
        ) from error
    return made


def url(made: socket.socket, host: str) -> str:
    """What to open in a browser."""
    port = made.getsockname()[1]
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)  # noqa: S104 - as it was given
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


class Protocol(H11Protocol):
    """Gives up a connection that does not come to its point, or that does not take its answer."""

    _asks_since: float | None = None  # whoever has begun a request; idle ones are uvicorn's
    _takes_none_since: tuple[float, int] | None = None  # and the bytes that waited then
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._asks_since = self.loop.time()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._asks_since = None  # the body has a time of its own
        elif self._asks_since is None:
            self._asks_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._takes_none_since = None

    def _look_again(self) -> None:
        now, waiting = self.loop.time(), self.transport.get_write_buffer_size()
        if not waiting:
            self._takes_none_since = None
        elif self._takes_none_since is None or waiting <= self._takes_none_since[1] - BUFFER_BYTES:
            self._takes_none_since = now, waiting
        elif now - self._takes_none_since[0] > TAKING_SECONDS:
            self.transport.abort()
            return
        if self._asks_since is not None and now - self._asks_since > ASKING_SECONDS:
            self.transport.abort()
            return
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_again)


class Server(uvicorn.Server):
    """Ends at the first SIGTERM or SIGINT, with exit code 0, whatever is open; at the second at once."""

    def __init__(self, app: Any, root_path: str, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                log_level="error",
                access_log=False,  # nothing of a request is written down: its headers have tokens
                server_header=False,
                proxy_headers=False,
                root_path=root_path,
                limit_concurrency=CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._started = started
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            self.force_exit = self.should_exit
            self.should_exit = True
            self._stopping()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)  # one that comes while it ends must not look like a kill
