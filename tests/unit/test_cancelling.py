"""Tasks under one owner: what one dies of is told at once, and none survives the others."""

import asyncio
from typing import NoReturn

import pytest

from backfill import cancelling
from backfill.cancelling import cancel, until


async def forever() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


async def test_the_event_is_waited_for_while_tasks_end_in_order() -> None:
    event = asyncio.Event()
    tasks = [asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(forever())]
    waiting = asyncio.create_task(until(event, tasks))
    await tasks[0]
    event.set()
    await waiting
    await cancel(tasks)
    assert tasks[1].cancelled()


async def test_what_a_task_dies_of_is_raised_at_once() -> None:
    async def die() -> None:
        raise ValueError("no")

    tasks = [asyncio.create_task(die()), asyncio.create_task(forever())]
    with pytest.raises(ValueError, match="no"):
        await until(asyncio.Event(), tasks)
    await cancel(tasks)


async def test_a_task_that_is_cancelled_by_something_within_it_has_died() -> None:
    async def lose_its_link() -> None:
        raise asyncio.CancelledError  # as the client does out of a call

    task = asyncio.create_task(lose_its_link(), name="slot 1")
    with pytest.raises(RuntimeError, match="'slot 1' was cancelled by something within it"):
        await until(asyncio.Event(), [task])


async def test_a_task_that_hides_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling, "PATIENCE_SECONDS", 0.01)
    hidden = 0

    async def hide() -> None:
        nonlocal hidden
        while True:
            try:
                await forever()
            except asyncio.CancelledError:
                hidden += 1
                if hidden == 3:
                    raise

    task = asyncio.create_task(hide())
    await asyncio.sleep(0)
    await cancel([task])
    assert hidden == 3
    assert task.cancelled()
