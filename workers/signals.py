"""How a worker hears that it should end, and how its computations are interrupted."""

import asyncio
import contextvars
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from backfill.workers.lookout import Lookout

BREATH_EVERY: Final = 0.02  # seconds of computing


def obey(stop_working: Callable[[], None], say: Callable[[str], None]) -> Callable[[], int]:
    """The first SIGTERM or SIGINT drains, the second ends the process at once; the ledger loses nothing by it.

    Returns what tells which came first; 0 is none.

    Plain handlers, not the loop's: those are taken away when the loop closes, and a signal that comes while the
    process is ending would make a clean exit look like a kill.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    received: list[int] = []

    def stop() -> None:
        say("Stopping: finishing what is in hand (once more to stop at once).")
        stop_working()

    def on_signal(number: int, _: object) -> None:
        received.append(number)
        if loop.is_closed():
            return
        if len(received) > 1:
            os._exit(128 + number)
        # Not in the context of the task that it interrupts, as if it were about a partition.
        loop.call_soon_threadsafe(stop, context=context)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return lambda: received[0] if received else 0


@contextmanager
def interrupting(lookout: Lookout) -> Iterator[None]:
    """Let the lookout interrupt the main thread with SIGURG, which nobody else minds: its default is to be ignored.

    The timer counts computing, not time: it never disturbs a system call that waits. It has to be off before the
    interpreter ends and takes the handlers away.
    """
    signal.signal(signal.SIGURG, lookout.interrupt)
    signal.signal(signal.SIGVTALRM, lookout.breathe)
    signal.siginterrupt(signal.SIGVTALRM, False)
    signal.setitimer(signal.ITIMER_VIRTUAL, BREATH_EVERY, BREATH_EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
