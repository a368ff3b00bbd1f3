"""What waits for a lock goes on when its waiting is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
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


async def test_what_was_asked_before_the_work_went_on_is_not_said_after_it() -> None:
    said: list[str] = []
    holding = Holding(EndedSessions(), Stats(), Stopping(20), said.append)  # type: ignore[arg-type]
    message: Any = SimpleNamespace(job_id=UUID(int=1), partition_key="000000001")
    nothing: Any = SimpleNamespace(id=1)
    answers = iter(["waits for ann", "waits for bob", "waits for cid"])
    heard = asyncio.Event()

    async def ask(*_: Any) -> str | None:
        answer = next(answers, None)
        if answer == "waits for bob":  # meanwhile another claim has got the table
            holding.goes_on(message.job_id, "Job")
        if answer is None:
            heard.set()
        return answer

    holding.ask = ask  # type: ignore[method-assign]
    with patch("backfill.workers.holding.ASK_SECONDS", 0):
        async with asyncio.timeout(5), holding.wait(nothing, nothing, message, nothing) as wait:
            await wait.for_a_table()
            await heard.wait()
            await wait.end()
    held = [line for line in said if "waits for" in line]
    assert [line.rpartition(" ")[2] for line in held] == ["ann", "cid"]


@pytest.mark.parametrize("known", [["waits for ann"], []])
async def test_who_has_not_noticed_yet_that_the_work_went_on_does_not_say_again_that_it_is_held(
    monkeypatch: pytest.MonkeyPatch, known: list[str]
) -> None:
    for name in ("ASK_SECONDS", "WATCH_SECONDS"):
        monkeypatch.setattr(f"backfill.workers.holding.{name}", 0.0)
    said: list[str] = []
    holding = Holding(EndedSessions(), Stats(), Stopping(20), said.append)  # type: ignore[arg-type]
    message: Any = SimpleNamespace(job_id=UUID(int=1), partition_key="000000001")
    nothing: Any = SimpleNamespace(id=1)
    answers, looks, heard = iter(known), 0, asyncio.Event()

    async def ask(*_: Any) -> str | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            wait._began -= 60  # nobody could say who it is for so long
        if looks == 3:  # another claim has got the table
            holding.goes_on(message.job_id, "Job")
        if looks == 10:
            heard.set()
        return next(answers, None)

    holding.ask = ask  # type: ignore[method-assign]
    async with asyncio.timeout(5), holding.wait(nothing, nothing, message, nothing) as wait:
        await wait.for_a_table()
        await heard.wait()
        await wait.end()
    (held, goes_on) = said
    assert "is held: waits for " in held
    assert goes_on == "Job goes on."
