"""The HTTP server: the limit first, then what can go wrong, then the answer."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from backfill.examples.service import answers, data
from backfill.examples.service.answers import Asked
from backfill.examples.service.counts import Counts
from backfill.examples.service.limit import Limit, Refusal
from backfill.examples.service.misbehaviour import Dice, Misbehaviour

HOST: Final = "127.0.0.1"  # it is for trying things, and trusts whoever reaches it
GARBAGE: Final = b"<html><h1>It works!</h1>"

Read = Callable[[web.Request], Awaitable[Asked]]


class Service:
    """A limit for all addresses together, the counts, and how it misbehaves."""

    def __init__(
        self,
        *,
        rate: int = 20,
        ban_after: int = 20,
        ban_seconds: float = 10,
        misbehaviour: Misbehaviour | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = Counts(clock)
        self._limit = Limit(rate, ban_after, ban_seconds, clock)
        self._dice = Dice(misbehaviour or Misbehaviour())

    def app(self) -> web.Application:
        """What aiohttp serves."""
        app = web.Application()
        app.router.add_get("/prices/{type_id:[0-9]{1,9}}", self._limited(answers.price))
        app.router.add_get("/generation/{unit}/{month}", self._limited(answers.generation))
        app.router.add_post("/classify", self._limited(answers.classify))
        app.router.add_get("/counts", self._tell)
        app.router.add_put("/misbehave", self._misbehave)
        return app

    def _limited(self, read: Read) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            with self.counts.call():
                if (refusal := self._limit.take()) is not None:
                    return self._refused(refusal)
                asked = await read(request)
                self.counts.serve(asked.keys)
                return await self._answered(request, asked)

        return handle

    def _refused(self, refusal: Refusal) -> web.Response:
        lie = self._dice.lie()
        self.counts.refuse(refusal.seconds if lie is None else None)
        header = str(math.ceil(refusal.seconds)) if lie is None else lie
        return web.json_response({"error": "too many calls"}, status=refusal.status, headers={"Retry-After": header})

    async def _answered(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        fault = self._dice.fault(request.path)
        if fault:
            self.counts.misbehaved[fault] += 1
        if fault == "error":
            return web.json_response({"error": "out of order"}, status=500)
        if fault == "garbage":
            return web.Response(body=GARBAGE, content_type="application/json")
        if fault == "slow":
            await asyncio.sleep(self._dice.misbehaviour.slow_seconds)
        if asked.answer is None:
            return web.json_response({"error": asked.why}, status=asked.status)
        body = json.dumps(asked.answer).encode()
        if fault == "cut":
            return await _cut(request, body)
        tag = data.etag(body)
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": tag})

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.counts.shown(self._limit.bans))

    async def _misbehave(self, request: web.Request) -> web.Response:
        """What is not named is as it is when the service starts: an empty object means good behaviour."""
        try:
            wanted = Misbehaviour.model_validate_json(await request.read())
        except ValidationError as error:
            told = [f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in error.errors()]
            return web.json_response({"error": "; ".join(told)}, status=400)
        self._dice = Dice(wanted)
        return web.json_response(wanted.model_dump())


@asynccontextmanager
async def serving(service: Service, port: int = 0) -> AsyncIterator[str]:
    """Serve on a port of this machine, a free one for 0, until the block ends; gives the URL."""
    # A slow answer must not keep the service from ending.
    runner = web.AppRunner(service.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        _, bound, *_ = runner.addresses[0]
        yield f"http://{HOST}:{bound}"
    finally:
        await runner.cleanup()


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    transport: Any = request.transport
    transport.close()
    return response
