"""How long a slot stands at a server that has gone silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from backfill.ledger.interruptions import Fate
from backfill.workers import interruptions
from backfill.workers.interruptions import Interruptions


class Pool:
    """One session is silent, and its release waits for the end of what was cancelled on it; the next one is well."""

    def __init__(self) -> None:
        self._given = 0

    @asynccontextmanager
    async def acquire(self, timeout: float | None = None) -> AsyncIterator[Any]:  # noqa: ASYNC109 - the pool's own
        self._given += 1
        is_silent = self._given == 1

        async def answer(*_: object) -> bool:
            if is_silent:
                await asyncio.Event().wait()
            return True

        try:
            yield SimpleNamespace(fetchval=answer)
        finally:
            if is_silent:
                await asyncio.sleep(3_600 if timeout is None else timeout)


async def test_a_silent_session_is_left_in_the_time_that_an_answer_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptions, "ANSWER_SECONDS", 0.05)
    pool: Any = Pool()
    async with asyncio.timeout(5):
        assert await Interruptions(pool, ()).outlive(None, ConnectionResetError()) is Fate.AGAIN
