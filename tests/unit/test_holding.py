"""What waits for a lock goes on when its waiting is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from backfill import cancelling
from backfill.workers.holding import Holding
from backfill.workers.stats import Stats
from backfill.workers.stopping import Stopping


class EndedSessions:
    """A pool whose server ends sessions: the first cancellation shows as the error of its release."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._has_hidden = False

    @asynccontextmanager
    async def acquire(self, timeout: float) -> AsyncIterator[Any]:  # noqa: ASYNC109 - the pool's own signature
        self.asked.set()
        try:
            await asyncio.Event().wait()
            yield
        except asyncio.CancelledError:
            if self._has_hidden:
                raise
            self._has_hidden = True
            raise asyncpg.ConnectionDoesNotExistError("connection was closed") from None


async def test_waiting_ends_though_a_session_that_was_ended_hides_the_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancelling, "PATIENCE_SECONDS", 0.01)
    pool: Any = EndedSessions()
    holding = Holding(pool, Stats(), Stopping(20), print)
    message: Any = SimpleNamespace(job_id=UUID(int=1), partition_key="000000001")
    nothing: Any = SimpleNamespace(id=1)
    async with asyncio.timeout(5), holding.wait(nothing, nothing, message, nothing) as wait:
        await wait.for_a_table()
        await pool.asked.wait()
