"""The same calls for code without an event loop: each runs one of its own, to its end."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from backfill.api import calls
from backfill.errors import UsageError
from backfill.eventloop import run as run_whole

P = ParamSpec("P")
T = TypeVar("T")


def _twin(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The call, made to wait; raises UsageError where a loop runs, which it would hold up."""

    @functools.wraps(call)
    def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        if _is_in_a_loop():
            raise UsageError(
                f"api.sync.{call.__name__} would hold up the event loop that runs here; write: "
                f"await api.{call.__name__}(…)"
            )
        return run_whole(call(*args, **kwargs))

    return twin


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


queue = _twin(calls.queue)
run = _twin(calls.run)
wait = _twin(calls.wait)
status = _twin(calls.status)
