"""Await what a definition wrote: nothing that it raises is the worker's end, and its time is bounded."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from backfill import texts
from backfill.cancelling import cancel_requests
from backfill.workers.computing.steps import watched
from backfill.workers.stopping import Stopping
from backfill.workers.watch import Watch

GRACE_SECONDS: Final = 1.0


class LateError(Exception):
    """It did not end in its time."""


async def guarded(
    call: Coroutine[Any, Any, Any],
    deadline: asyncio.Timeout,
    stopping: Stopping | None = None,
    watch: Watch | None = None,
    about: str = "",
) -> Any:
    """What it gives; raises LateError at the deadline. Its steps are interrupted as computations are, under a watch.

    Asked to end at its deadline it has a moment for that; then it is closed. A worker that stops waits for it no longer
    than for anything else, whatever it makes of its cancellation.
    """
    requests = cancel_requests()
    grace = asyncio.timeout(None)

    def is_over() -> bool:
        if deadline.expired() and grace.when() is None:
            grace.reschedule(asyncio.get_running_loop().time() + GRACE_SECONDS)
        return grace.expired() or (stopping is not None and stopping.is_over())

    try:
        async with grace, deadline:
            found = await watched(call, watch or Watch(), about, is_over)
    except BaseException as error:
        if deadline.expired() and isinstance(error, TimeoutError):
            raise LateError from error
        if cancel_requests() > requests:
            raise asyncio.CancelledError from error
        if not isinstance(error, Exception):
            raise RuntimeError(texts.in_a_line(error)) from error  # noqa: TRY004 - of no type in particular
        raise
    if deadline.expired():  # what it gives on being asked to end may lack anything
        raise LateError
    return found
