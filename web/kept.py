"""What is costly to find out, and good for some seconds: found once, for all who ask meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

MOST: Final = 200


class Kept:
    """Values by what they are of; an error is nobody's but whose question found it."""

    def __init__(self) -> None:
        self._values: dict[object, tuple[float, Any]] = {}
        self._finding: dict[object, asyncio.Lock] = {}

    async def get(self, key: object, seconds: float, find: Callable[[], Awaitable[Any]]) -> Any:
        """The value, not older than so many seconds."""
        async with self._finding.setdefault(key, asyncio.Lock()):
            until, value = self._values.get(key, (0.0, None))
            if time.monotonic() < until:
                return value
            value = await find()
            if len(self._values) >= MOST:
                self._values.clear()
                self._finding = {key: self._finding[key]}
            self._values[key] = time.monotonic() + seconds, value
            return value
