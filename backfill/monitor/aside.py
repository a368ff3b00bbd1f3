"""Threads that nobody waits for: a disk or a network that hangs may keep one for ever, and never the process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_begun: ContextVar[list[Future[Any]] | None] = ContextVar("begun", default=None)


class Threads(ThreadPoolExecutor):
    """One for each piece of work, begun at once; none of them is waited for at the end of the loop or the process."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from now on it cannot be called off

        def work() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="aside", daemon=True).start()
        if (begun := _begun.get()) is not None:
            begun.append(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave what is under way."""
        del wait, cancel_futures


def use() -> None:
    """Have `asyncio.to_thread` take such threads, on the loop that runs."""
    asyncio.get_running_loop().set_default_executor(Threads())


@contextmanager
def begun() -> Iterator[list[Future[Any]]]:
    """What is begun within, by this task and by those that it starts."""
    found: list[Future[Any]] = []
    token = _begun.set(found)
    try:
        yield found
    finally:
        _begun.reset(token)
