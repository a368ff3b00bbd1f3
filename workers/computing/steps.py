"""An awaited call of a definition, step by step: each step holds the loop, and is watched as a computation is."""

import asyncio
import contextlib
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from backfill.workers.watch import Watch


@types.coroutine
def watched(
    call: Coroutine[Any, Any, Any], watch: Watch, about: str, is_over: Callable[[], bool]
) -> Generator[Any, Any, Any]:
    """Await the call; asked to end when it should be over, it is closed whatever it makes of that.

    Before that it may be asked any number of times: libraries end waits of their own so, each once or over and over.
    Between two awaits of it nothing else of this loop can run. A step that lasts longer than a record may is
    interrupted like a plain function; tasks that the call starts are not its steps, and are not watched.
    """
    resume, argument = call.send, None
    try:
        while True:
            try:
                watch.begin(about)
                awaited = resume(argument)
            except StopIteration as returned:
                return returned.value
            finally:
                watch.end()
            try:
                argument = yield awaited
                resume = call.send
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError) and is_over():
                    raise
                resume, argument = call.throw, error
    finally:
        _close(call)


def _close(call: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(BaseException):  # it awaits even now, or raises: nobody drives it any further
        call.close()
