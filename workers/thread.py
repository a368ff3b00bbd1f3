"""A coroutine in a thread with an event loop of its own."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any


class LoopThread:
    """Runs `work` beside the main loop until it ends, or until `ending` is set by `stop`."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._name = name
        self._work = work
        self.ending = asyncio.Event()  # for the thread's loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Future[BaseException | None] | None = None

    async def run(self) -> BaseException | None:
        """Start, wait for the end, and return what it died of; cancelled, it leaves the thread running."""
        main = asyncio.get_running_loop()
        over: asyncio.Future[BaseException | None] = main.create_future()
        self._over = over
        loop = self._loop = asyncio.new_event_loop()

        def live() -> None:
            error: BaseException | None = None
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(self._work())
            except BaseException as died:
                error = died
            with contextlib.suppress(RuntimeError):  # the main loop has closed: nobody waits any more
                main.call_soon_threadsafe(over.set_result, error)

        # What is said there is written as it is here.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(live,), name=self._name, daemon=True).start()
        await asyncio.wait({over})
        return over.result()

    async def stop(self, seconds: float) -> None:
        """Ask it to end and wait for so long; it may have ended, or never begun."""
        if self._loop is None or self._over is None:
            return
        with contextlib.suppress(RuntimeError):  # its loop has closed
            self._loop.call_soon_threadsafe(self.ending.set)
        await asyncio.wait({self._over}, timeout=seconds)
