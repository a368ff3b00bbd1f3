"""End tasks that are not to finish."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

PATIENCE_SECONDS: Final = 3.0  # for what gives its claim back when it is cancelled

Result = TypeVar("Result")


async def cancel(tasks: Iterable["asyncio.Task[Any]"], patience: float | None = None) -> None:
    """Cancel until all have ended: an error on the way out, such as that of a session which a server ended, may hide a
    cancellation, and a loop that outlives errors would go on for ever.
    """
    left, seconds = set(tasks), PATIENCE_SECONDS if patience is None else patience
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=seconds)


def cancel_requests() -> int:
    """How often this task was asked to end, even if an error on the way out has hidden it."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def until(event: asyncio.Event, tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Wait for the event; raises what one of the tasks has died of, a cancellation that nobody asked for too."""
    waiting, left = asyncio.ensure_future(event.wait()), set(tasks)
    try:
        while not waiting.done():
            done, _ = await asyncio.wait({waiting, *left}, return_when=asyncio.FIRST_COMPLETED)
            for task in left & done:
                left.discard(task)
                if task.cancelled():
                    raise RuntimeError(f"the task {task.get_name()!r} was cancelled by something within it")
                task.result()
    finally:
        waiting.cancel()


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What the work gives, or None when it was cancelled because of the stop."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await cancel((working, waiting))
