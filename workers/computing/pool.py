"""Processes that compute: the only place that starts any.

Each is a pool of one: whichever ends, by the system or because a record takes too long in it, was computing for one
partition, and no other is to blame or disturbed.
"""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from multiprocessing import resource_tracker
from time import monotonic
from typing import Any, Final

from backfill import texts
from backfill.errors import TransientError
from backfill.workers.computing import child
from backfill.workers.computing.child import Answer, Order, Refusal
from backfill.workers.computing.outcomes import Outcomes
from backfill.workers.computing.pipe import Pipe
from backfill.workers.computing.sending import UnsendableError

# A new interpreter: a fork would have the worker's loop, signals and connections.
CONTEXT: Final = multiprocessing.get_context("spawn")
START_SECONDS: Final = 60.0  # for starting and importing, and for rows and results on their way
END_SECONDS: Final = 2.0  # for killed ones to be gone
ENDING: Final = {signal.SIGINT, signal.SIGTERM}


class LostError(Exception):
    """The process has ended before it answered; `places` are those that it was computing, if it was."""

    def __init__(self, text: str, places: range | None) -> None:
        super().__init__(text)
        self.places = places


class LateError(LostError):
    """It was ended, as it computed one record for too long."""


class Child:
    """One process; when it has ended, the next call starts another.

    A pipe leads to it and nothing else: queues and locks have semaphores with names, which stay behind where the worker
    is killed together with what looks after them.
    """

    def __init__(self, record_seconds: float) -> None:
        self._allowed = record_seconds
        self._interval = min(0.25, record_seconds / 4)
        self._progress = CONTEXT.RawArray("d", 3)
        self._process: Any = None
        self._pipe: Pipe | None = None

    async def compute(self, order: Order, rows: Sequence[Mapping[str, Any]], until: float) -> Outcomes | Refusal:
        """Raises LostError, LateError and UnsendableError, TransientError where none starts; cancelled, it is ended."""
        if self._pipe is not None and self._process.is_alive():
            try:
                return await self._asked(self._pipe, order, rows, until)
            except LostError as error:
                if error.places is not None:
                    raise
            # It had ended since its last answer, and was not known to have.
        return await self._asked(self._start(), order, rows, until)

    async def _asked(
        self, pipe: Pipe, order: Order, rows: Sequence[Mapping[str, Any]], until: float
    ) -> Outcomes | Refusal:
        answering = asyncio.wrap_future(pipe.ask((order, rows, until)))
        try:
            await self._watch(answering)
            answer = answering.result()
        except EOFError:
            places = self._now()[0]
            raise LostError(await self._how_it_ended(), places) from None
        finally:
            if not answering.done():
                answering.cancel()
                self.kill()
        if isinstance(answer, UnsendableError):
            raise answer
        return answer

    async def _watch(self, answering: "asyncio.Future[Answer]") -> None:
        """Until it has answered; raises when it does not in time, and EOFError when it has ended."""
        idle_since, late, has_ended = monotonic(), 0.0, False
        while not (await asyncio.wait({answering}, timeout=self._interval))[0]:
            (places, since), now = self._now(), monotonic()
            if has_ended:  # and a process that was forked meanwhile keeps the pipe open
                raise EOFError
            has_ended = not self._process.is_alive()
            if places is not None:
                idle_since = now
                if now - since > self._allowed:
                    # Late at first sight may be a machine that was frozen: the next look tells.
                    if since == late:
                        raise LateError(
                            f"not computed within the {self._allowed:g} s that one record may take "
                            "(BACKFILL_RECORD_SECONDS)",
                            places,
                        )
                    late = since
            elif now - idle_since > START_SECONDS:
                raise LostError(f"a process that computes has not begun within {START_SECONDS:g} s", None)

    def _now(self) -> tuple[range | None, float]:
        """The places in the rows that are being computed, and since when."""
        while True:
            since = self._progress[2]
            first, number = int(self._progress[0]), int(self._progress[1])
            if since == self._progress[2]:
                places = range(first, first + number) if since and first != child.IMPORTING else None
                return places, since

    def _start(self) -> Pipe:
        self.kill()
        self._progress[2] = 0.0
        # It lets signals through while it starts, and would do so in the midst of what follows.
        resource_tracker.ensure_running()
        # Until the new process has made up its mind about them.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            ours, theirs = CONTEXT.Pipe()
            with theirs:
                process = CONTEXT.Process(target=child.serve, args=(theirs, self._progress, os.getpid()))
                process.start()
        except OSError as error:  # no memory, or too many processes or files: not for PostgreSQL to wait for
            raise TransientError(f"no process that computes can be started ({texts.in_a_line(error)})") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        self._process, self._pipe = process, Pipe(ours)
        return self._pipe

    async def _how_it_ended(self) -> str:
        """The next call starts another one, whatever is known of this one then."""
        process = self._process
        self.kill()  # where it was only its answer that could not be read
        until = monotonic() + END_SECONDS
        while (code := process.exitcode) is None and monotonic() < until:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
        if code is not None and code < 0:
            name = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
            return f"the process that computed it was ended by {name}"
        return f"the process that computed it has ended with exit code {code}"

    def kill(self) -> None:
        """Nothing is lost by it: what is computed there is written here."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            self._process.kill()
            pipe.shut()

    def join(self, seconds: float) -> None:
        if self._process is not None:
            self._process.join(seconds)


class Pool:
    """As many processes as partitions are computed at once."""

    def __init__(self, record_seconds: float) -> None:
        self._record_seconds = record_seconds
        self._all: list[Child] = []
        self._idle: list[Child] = []

    @asynccontextmanager
    async def child(self) -> AsyncIterator[Child]:
        """One for the time of a computation."""
        if not self._idle:
            self._all.append(Child(self._record_seconds))
            self._idle.append(self._all[-1])
        taken = self._idle.pop()
        try:
            yield taken
        finally:
            self._idle.append(taken)

    async def close(self) -> None:
        """End them all, and wait until they are gone."""
        for one in self._all:
            one.kill()
        until = monotonic() + END_SECONDS
        for one in self._all:
            await asyncio.to_thread(one.join, max(0.0, until - monotonic()))
