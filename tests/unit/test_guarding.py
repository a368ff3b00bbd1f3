"""What a definition awaits: it may end waits of its own, and it ends with its worker."""

import asyncio

import pytest

from backfill.workers import stopping as module
from backfill.workers.computing import guarding
from backfill.workers.computing.guarding import LateError, guarded
from backfill.workers.stopping import Stopping


async def test_it_may_end_waits_of_its_own_over_and_over() -> None:
    """As cancel scopes of anyio do it."""

    async def scoped() -> int:
        task = asyncio.current_task()
        assert task is not None
        for _ in range(3):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(3600)
        for _ in range(3):
            task.uncancel()
        return 7

    assert await guarded(scoped(), asyncio.timeout(None), Stopping(20)) == 7


async def test_what_minds_no_cancellation_is_closed_once_the_drain_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.0)
    begun, stopping = asyncio.Event(), Stopping(0.0)

    async def deaf() -> None:
        while True:
            begun.set()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(guarded(deaf(), asyncio.timeout(None), stopping))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    stopping.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_what_is_late_may_clean_up_and_gives_nothing() -> None:
    cleaned: list[str] = []

    async def late() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            cleaned.append("up")
        return "half of it"

    with pytest.raises(LateError):
        await guarded(late(), asyncio.timeout(0.01))
    assert cleaned == ["up"]


async def test_what_is_late_and_minds_no_cancellation_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "GRACE_SECONDS", 0.01)

    async def deaf() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    with pytest.raises(LateError):
        await asyncio.wait_for(guarded(deaf(), asyncio.timeout(0.01)), 5)
