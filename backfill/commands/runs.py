"""The runs of one command, one after the other, and the signals that stop them."""

import asyncio
import gc
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from backfill.commands.live import Live
from backfill.errors import BackfillError
from backfill.states import ENDED

if TYPE_CHECKING:
    from backfill.api.running import Ran, Run
    from backfill.definition import Definition
    from backfill.settings import Settings


class StoppedError(Exception):
    """A signal, or `backfill workers stop`, came before a job had ended on which others wait."""

    def __init__(self, ran: "Ran") -> None:
        super().__init__("stopped")
        self.ran = ran


class Runs:
    """Works on jobs in this process."""

    def __init__(self, settings: "Settings", live: Live, identity: UUID, *, concurrency: int) -> None:
        self._settings = settings
        self._live = live
        self._identity: UUID | None = identity  # of the first one; each worker has its own
        self._concurrency = concurrency
        self._run: Run | None = None
        self._task = asyncio.current_task()
        self._received: Callable[[], int] = lambda: 0
        # A process's main thread alone hears signals.
        self._is_ours = threading.current_thread() is threading.main_thread()
        if self._is_ours:
            from backfill.api import running, signals

            del running  # only imported, before that
            # What is loaded stays, and a partition's records live for milliseconds: walking either finds nothing.
            gc.freeze()
            gc.set_threshold(50_000)
            self._received = signals.obey(self._stop, live.say)

    @property
    def number(self) -> int:
        """The signal that came, if one did."""
        return self._received()

    async def work(self, definition: "Definition", plan: Any) -> "Ran":
        """Until its job has ended, cannot go on, or is stopped."""
        from backfill.api.running import Run

        self._run = made = Run(
            self._settings,
            definition,
            self._live,
            concurrency=self._concurrency,
            stats_interval=self._live.stats_interval,
            ends_process=self._is_ours,
            watcher=self._live,
            worker=self._identity,
        )
        self._identity = None
        try:
            return await self._worked(made, plan)
        except BackfillError as error:
            if made.job is not None and "--resume" not in str(error):
                self._live.note(f"job {made.job} has not ended; go on with: backfill run --resume {made.job}")
            raise
        finally:
            self._run = None

    async def to_its_end(self, definition: "Definition", plan: Any) -> "Ran":
        """The same; raises StoppedError where it did not get there."""
        ran = await self.work(definition, plan)
        if self.number or (ran.progress is not None and ran.progress.state not in ENDED):
            raise StoppedError(ran)
        return ran

    async def _worked(self, made: "Run", plan: Any) -> "Ran":
        if not self._is_ours:
            return await made.work(plan)
        from backfill.api import signals

        with signals.interrupting(made.lookout):
            return await made.work(plan)

    def _stop(self) -> None:
        if self._run is not None:
            self._run.stop()
        elif self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        """A signal that comes while the interpreter ends must not make a clean exit look like a kill."""
        if self._is_ours:
            for one in (signal.SIGTERM, signal.SIGINT):
                signal.signal(one, signal.SIG_IGN)
