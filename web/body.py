"""How large a request's body may be, and how long it may take: one that is too large is never read whole."""

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backfill.web.problems import problem

MOST_BYTES: Final = 1024 * 1024
SECONDS: Final = 10.0
# Cut off while it sends, a client would see a broken link and never hear why.
PASSING_BYTES: Final = 16 * 1024 * 1024
PASSING_SECONDS: Final = 2.0
TOO_LARGE: Final = f"a body has {MOST_BYTES:,} bytes at most; ask for fewer records at a time"


class Body:
    """Counts what arrives, also of a body that does not say how long it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said[:20]) > MOST_BYTES:
            await _let_pass(receive)
            await problem(413, TOO_LARGE, headers={"Connection": "close"})(scope, receive, send)
            return
        arrived, is_whole = 0, False
        until = asyncio.get_running_loop().time() + SECONDS

        async def counted() -> Message:
            nonlocal arrived, is_whole
            if is_whole:  # nothing but the client's leaving is left to hear of
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body has not arrived within {SECONDS:g} s") from None
            arrived += len(message.get("body", b""))
            if arrived > MOST_BYTES:
                await _let_pass(receive)
                raise HTTPException(413, TOO_LARGE, {"Connection": "close"})
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, counted, send)


async def _let_pass(receive: Receive) -> None:
    """Drop what still comes, for a moment."""
    passed, is_more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(PASSING_SECONDS):
            while is_more and passed < PASSING_BYTES:
                message = await receive()
                passed += len(message.get("body", b""))
                is_more = bool(message.get("more_body", False))
