"""What is costly to find out, and good for some seconds: found once, for all who ask meanwhile.

So is that it cannot be found: else each would wait for a service that is away in his turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from backfill.errors import BackfillError

MOST: Final = 200
ERROR_SECONDS: Final = 1.0


class Kept:
    """Values, or the errors in their place, by what they are of."""

    def __init__(self) -> None:
        self._values: dict[object, tuple[float, Any, BackfillError | None]] = {}
        self._finding: dict[object, asyncio.Lock] = {}

    async def get(self, key: object, seconds: float, find: Callable[[], Awaitable[Any]]) -> Any:
        """The value, not older than so many seconds."""
        async with self._finding.setdefault(key, asyncio.Lock()):
            until, value, error = self._values.get(key, (0.0, None, None))
            if time.monotonic() < until:
                if error is not None:
                    raise type(error)(str(error))
                return value
            value, error = None, None
            try:
                value = await find()
            except BackfillError as found:
                error, seconds = found, min(seconds, ERROR_SECONDS)
            if len(self._values) >= MOST:
                self._values.clear()
                self._finding = {key: self._finding[key]}
            self._values[key] = time.monotonic() + seconds, value, error
            if error is not None:
                raise error
            return value
