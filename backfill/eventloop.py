"""An event loop for a command or a call, to its end."""

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

LEFT_SECONDS: Final = 1.0  # for what clients leave behind when they are closed
ROUNDS: Final = 2


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it on an event loop of its own, which ends when nothing is under way in it any more.

    A client of RabbitMQ goes on closing for a moment after its link was closed. Cut off there it leaves a traceback in
    a log that should say how the work ended.
    """
    return asyncio.run(_whole(work))


def obeying(work: Coroutine[Any, Any, T]) -> T:
    """Do it to its end; SIGTERM ends it as Ctrl-C does: it gives back what it holds and ends what it started."""

    async def until_told() -> T:
        task = asyncio.current_task()
        if task is not None and threading.current_thread() is threading.main_thread():  # it alone hears signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return run(until_told())


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    finally:
        await _end_the_rest()


async def _end_the_rest() -> None:
    """Wait for what is under way, cancel what takes too long, and wait for what that begins in its turn."""
    for is_late in (False, True) * ROUNDS:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        for task in left if is_late else ():
            task.cancel()
        await asyncio.wait(left, timeout=LEFT_SECONDS)
