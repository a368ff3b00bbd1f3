"""Waiting for a condition with a deadline. Whatever else sleeps in a test paces an application, or is what is tried."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(
    check: Callable[[], Any | Awaitable[Any]], *, deadline: float = 60, interval: float = 0.05, what: str = ""
) -> Any:
    """Call ``check`` until it returns something true, and return that.

    An AssertionError inside ``check`` means "not yet"; the last one is part of the failure at the deadline.
    """
    until = time.monotonic() + deadline
    while True:
        try:
            seen = check()
            if inspect.isawaitable(seen):
                seen = await seen
            last = f"last seen: {seen!r}"
        except AssertionError as error:
            seen, last = None, f"last failure: {error}"
        if seen:
            return seen
        if time.monotonic() > until:
            name = what or getattr(check, "__name__", "the condition")
            raise AssertionError(f"{name} did not come true within {deadline} s; {last}")
        await asyncio.sleep(interval)
