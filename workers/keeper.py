"""Keep what the worker holds: renew leases, show a heartbeat, end computations that take too long."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from time import monotonic
from typing import Final

import asyncpg

from backfill import database
from backfill.database import Connection, is_transient
from backfill.errors import BackfillError, UnreachableError
from backfill.failpoints import failpoint
from backfill.ledger import partitions, workers
from backfill.ledger.workers import Seat
from backfill.log import regard, warn
from backfill.settings import Settings
from backfill.texts import MOST_OF_A_NAME, clean
from backfill.workers.burden import Burden
from backfill.workers.hand import Hand
from backfill.workers.lookout import Lookout
from backfill.workers.stats import Stats
from backfill.workers.thread import LoopThread
from backfill.workers.watch import Watch

EXIT_STUCK: Final = 70  # a record that nothing interrupts
BEAT_SECONDS: Final = 2.0  # leases are renewed every third of one, which may be longer
LAST_SECONDS: Final = 2.0  # for the last counts, and for giving claims back
STOP_SECONDS: Final = 5.0  # for the thread's end
QUICK_LOCK_MS: Final = 200  # a claim whose row is being applied is not waited for when the process ends


class Keeper:
    """A thread with a loop and a connection of its own: whatever holds up the main loop, the leases do not notice."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        seat: Seat,
        hand: Hand,
        stats: Stats,
        drain: Callable[[], None],
        say: Callable[[str], None],
        *,
        ends_process: bool = True,
    ) -> None:
        self._settings = settings
        self._url = url
        self._seat = seat
        self._stats = stats
        self._say = say
        self._warn = partial(warn, say)
        self._hand = hand
        self._drain = drain  # on the main loop
        self._ends_process = ends_process
        self._main: asyncio.AbstractEventLoop | None = None
        self._was_asked = False
        self._burden = Burden()
        self._renewed = 0.0  # when the leases were, by the monotonic clock
        self.lookout = Lookout(settings.record_seconds, settings.partition_seconds, hand.watches)
        self._thread = LoopThread("keeper", self._keep)

    async def run(self) -> None:
        """Start the thread, and end as it does: with what it died of."""
        self._main = asyncio.get_running_loop()
        error = await self._thread.run()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None and not isinstance(error, BackfillError):
            what = f"{type(error).__name__}: {error}"
            raise BackfillError(
                f"the thread that renews this worker's leases has died of {what}; start the worker again"
            )
        if error is not None:
            raise error

    async def stop(self) -> None:
        """Leave the last counts, and the time at which this worker ended in order; bounded in time."""
        await self._thread.stop(STOP_SECONDS)

    async def _keep(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            looking, renewing = tasks.create_task(self._look()), tasks.create_task(self._renew())
            await self._thread.ending.wait()
            await asyncio.wait({renewing}, timeout=LAST_SECONDS)
            renewing.cancel()
            looking.cancel()

    async def _look(self) -> None:
        """Look at what is computed, several times a second; not where the process is somebody else's."""
        if not self._ends_process:
            return
        try:
            while True:
                failpoint("keeper.look")
                # If so much computing goes by without another look, then C code keeps even this thread from running,
                # and the system ends the process.
                signal.setitimer(signal.ITIMER_PROF, self.lookout.last_resort)
                if (watch := self.lookout.look()) is not None:
                    await self._give_up(watch)
                await asyncio.sleep(self.lookout.interval)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    async def _renew(self) -> None:
        """Beat until the end, and a last time then; an absent database is tried again sooner."""
        third, failures = self._settings.lease_seconds / 3, 0
        pause = min(BEAT_SECONDS, third)
        beaten = monotonic()
        while True:
            try:
                async with self._connected(self._settings.lock_timeout_ms) as connection:
                    while not self._thread.ending.is_set():
                        # A link that has gone silent must not cost the leases.
                        async with asyncio.timeout(max(1.0, third)):
                            await self.beat(connection)
                        # A link that was given up on waking hides nothing of it; of an outage it was said already.
                        was_away, since = failures > 1, monotonic() - beaten
                        failures, beaten = 0, monotonic()
                        if since > self._settings.lease_seconds and not was_away:
                            self._warn(
                                f"This worker stood still for {since:.1f} s, longer than a lease "
                                f"({self._settings.lease_seconds:g} s): others may have taken over what it had in hand."
                            )
                        await self._rest(pause)
                    await self.beat(connection)
                    await workers.stop(connection, self._seat.id)
                    return
            except Exception as error:
                cause = error.__cause__ if isinstance(error, UnreachableError) else error
                if cause is None or not is_transient(cause):  # a login that is refused, for one
                    raise
                failures += 1
                if failures == 2:  # the first may have been the connection only
                    self._warn(f"Leases cannot be renewed, trying again: {error}")
            if self._thread.ending.is_set():
                return
            await self._rest(min(1.0, pause))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._thread.ending.wait()

    async def beat(self, connection: Connection) -> None:
        """Renew the leases when that is due, show that the worker lives, and hear whether it is to stop.

        The first is before anything is claimed: whoever holds a lease is known to the ledger, however soon it dies.
        """
        held, seconds = self._hand.copy(), self._settings.lease_seconds
        # Not at the beat after it: that would be later than a third of a lease.
        if held and monotonic() + BEAT_SECONDS - self._renewed > seconds / 3:
            await partitions.renew(connection, held, self._seat.id, seconds)
            self._renewed = monotonic()
        asked_by = await workers.beat(
            connection,
            self._seat,
            held,
            self._stats.as_dict(),
            seconds,
            cpu_percent=self._burden.cpu_percent(),
            memory_bytes=self._burden.memory_bytes(),
        )
        if asked_by is not None and not self._was_asked and self._main is not None:
            self._was_asked = True
            self._say(f"Asked to stop by {clean(asked_by, MOST_OF_A_NAME)}: finishing what is in hand.")
            with contextlib.suppress(RuntimeError):  # the main loop has closed: it stops already
                self._main.call_soon_threadsafe(self._drain)

    async def _give_up(self, watch: Watch) -> None:
        """End the process under a record that nothing interrupts; what else is in hand was no attempt."""
        for (job, partition), hold in self._hand.copy().items():
            if hold.watch is watch:
                regard(job, partition)
        self._warn(
            f"Record {watch.record} of {watch.place} has been computed for more than {self.lookout.last_resort:g} s "
            f"and cannot be interrupted: this worker ends with exit code {EXIT_STUCK}. Correct the definition."
        )
        with contextlib.suppress(Exception):
            async with asyncio.timeout(LAST_SECONDS), self._connected(QUICK_LOCK_MS) as connection:
                for hold in self._hand.copy().values():
                    if hold.claim is not None and hold.watch is not watch:
                        with contextlib.suppress(asyncpg.PostgresError):
                            await partitions.release(connection, hold.claim)
        os._exit(EXIT_STUCK)

    def _connected(self, lock_timeout_ms: int) -> AbstractAsyncContextManager[Connection]:
        settings = self._settings
        return database.connected(
            self._url,
            name=f"{self._seat.name} keeper",
            tenant=settings.tenant,
            session=database.session(settings.statement_timeout_ms, lock_timeout_ms),
        )
