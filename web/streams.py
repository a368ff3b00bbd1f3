"""A stream of server-sent events: what the hub has, a sign of life in between, and an end for who takes nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Final

from fastapi import HTTPException, Request, Response
from starlette.types import Receive, Scope, Send

from backfill.errors import BackfillError
from backfill.web.callers import Caller
from backfill.web.hub import Listener, Read
from backfill.web.place import Place

ALIVE_SECONDS: Final = 15.0
CHECK_SECONDS: Final = 2.0  # how often it is looked whether the caller may still listen
WRITE_SECONDS: Final = 20.0  # a client that takes nothing for so long is given up
BEGIN: Final = b"retry: 2000\n\n"
ALIVE: Final = b": keep-alive\n\n"


class Stream(Response):
    """Sends what a listener is given, until that ends, the client leaves, stalls, or may not listen any more."""

    media_type = "text/event-stream"

    def __init__(
        self, listening: AbstractAsyncContextManager[Listener], listener: Listener, may: Callable[[], Awaitable[bool]]
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type=self.media_type)
        self._listening = listening
        self._listener = listener
        self._may = may

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_left(receive))
        try:
            # Without a length: it has none.
            headers = [one for one in self.raw_headers if one[0] != b"content-length"]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            if await self._sent(scope, send, BEGIN):
                await self._go_on(scope, send, leaving)
        finally:
            leaving.cancel()
            await self._listening.__aexit__(None, None, None)

    async def _go_on(self, scope: Scope, send: Send, leaving: "asyncio.Task[Any]") -> None:
        loop = asyncio.get_running_loop()
        said_at = checked_at = loop.time()
        while not leaving.done():
            waiting, self._listener.arrived = self._listener.arrived, asyncio.Event()
            frames = list(self._listener.waiting)
            self._listener.waiting.clear()
            if not frames and not waiting.is_set() and not self._listener.is_over:
                self._listener.arrived = waiting
                arrived: asyncio.Task[Any] = asyncio.create_task(waiting.wait())
                try:
                    await asyncio.wait({arrived, leaving}, timeout=CHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    arrived.cancel()
            now = loop.time()
            if now - checked_at >= CHECK_SECONDS:
                checked_at = now
                if not await self._may():
                    break
            if not frames and now - said_at >= ALIVE_SECONDS:
                frames = [ALIVE]
            if frames:
                said_at = now
                if not await self._sent(scope, send, b"".join(frames)):
                    return
            elif self._listener.is_over and not self._listener.waiting:
                break
        if not leaving.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _sent(self, scope: Scope, send: Send, body: bytes) -> bool:
        """Whether the client has taken it; one that has not in time is cut off."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await send({"type": "http.response.body", "body": body, "more_body": True})
        except TimeoutError:
            scope["state"]["abort"]()
            return False
        return True


async def _left(receive: Receive) -> None:
    """Until the client leaves, or does not send the body that it has announced."""
    with suppress(HTTPException):
        while (await receive())["type"] != "http.disconnect":
            pass


async def streamed(request: Request, place: Place, caller: Caller, key: object, read: Callable[[], Read]) -> Stream:
    """A stream of the topic for this caller, for as long as he may listen; raises FullError."""
    listening = place.hub.listening(key, read)
    listener = await listening.__aenter__()
    secret: str | None = request.state.secret

    async def may() -> bool:
        try:
            return await place.callers.still(caller, secret)
        except BackfillError:  # while the database is away nothing is told that could be kept from him
            return True

    return Stream(listening, listener, may)
