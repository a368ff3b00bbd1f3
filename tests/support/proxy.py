"""A TCP proxy in front of a service, to break the link between it and its clients in every way a network can."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards both ways until told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut_at: bytes | None = None
        self.port = 0

    def cut_at(self, sent: bytes) -> None:
        """Cut every connection there is as soon as a client sends this, once; what it sent does not arrive."""
        self._cut_at = sent

    @property
    def has_cut(self) -> bool:
        return self._cut_at is None

    def freeze(self) -> None:
        """Forward nothing more, and say nothing about it: a half-open link."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward again, what was held back first."""
        self._flowing.set()

    def reset(self) -> None:
        """Cut every connection there is; new ones are accepted."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def shut(self) -> None:
        """Cut every connection there is and refuse new ones, until thawed."""
        self.freeze()
        self.reset()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._flowing.is_set():
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._flowing.wait()
                if self._cut_at is not None and self._cut_at in data:
                    self._cut_at = None
                    self.reset()
                    return
                target.write(data)
                await target.drain()
        target.close()

    async def end(self) -> None:
        self.thaw()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(url: str, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, Proxy]]:
    """The URL of a proxy to that service, and the proxy; it may speak TLS to its clients."""
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.hostname, parts.port)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    credentials = parts.netloc.rpartition("@")[0]
    try:
        yield urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}")), proxy
    finally:
        server.close()
        await proxy.end()
