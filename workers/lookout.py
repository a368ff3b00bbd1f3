"""End what computes for too long: the one record by a signal, and when that does not help, the process."""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from time import monotonic
from types import FrameType
from typing import Final

from backfill.workers.watch import RecordTimeoutError, Watch

BREATH_AFTER: Final = 0.1  # seconds in one record, before other threads are let in by force
BREATH_SECONDS: Final = 0.002


class Lookout:
    """Looks at every watch from the keeper's thread; `interrupt` and `breathe` are signal handlers of the main one."""

    def __init__(self, record_seconds: float, partition_seconds: float, watches: Callable[[], Sequence[Watch]]) -> None:
        self._allowed = record_seconds
        self.last_resort = record_seconds + partition_seconds
        self.interval = min(0.25, record_seconds / 4)
        self._watches = watches
        self._raised_at = 0.0
        self._late = 0.0  # since when the late record is being computed
        self._signals = 0  # sent for it
        self._stuck = 0.0  # since when a thread has been computing that was found to take too long

    def look(self) -> Watch | None:
        """Interrupt a record that is late; returns its watch when that has not helped and never will.

        What another thread computes cannot be interrupted: only the last resort is left.
        """
        if (stuck := self._stuck_in_thread()) is not None:
            return stuck
        watch = self._current()
        if watch is None:
            return None
        since, now = watch.since, monotonic()
        if now - max(since, self._raised_at) <= self._allowed:
            return None
        if since != self._late:
            # Late at first sight may be a process that was frozen: the next look tells.
            self._late, self._signals = since, 0
            return None
        if self._signals and now - since > self.last_resort:
            return watch
        self._signals += 1
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)
        return None

    def interrupt(self, _: int, frame: FrameType | None) -> None:
        """Raise RecordTimeoutError if the record that is being computed is the late one; else the signal came late."""
        watch, now = self._current(), monotonic()
        if watch is None or now - max(watch.since, self._raised_at) <= self._allowed:
            return
        if frame is not None and frame.f_code is Watch.end.__code__:
            return
        self._raised_at = now  # whoever swallows it has as long again
        raise RecordTimeoutError(
            f"not computed within the {self._allowed:g} s that one record may take (BACKFILL_RECORD_SECONDS)"
        )

    def breathe(self, _: int, __: FrameType | None) -> None:
        """Let other threads run for a moment: C code such as a regular expression keeps the interpreter to itself."""
        watch = self._current()
        if watch is not None and monotonic() - watch.since > BREATH_AFTER:
            time.sleep(BREATH_SECONDS)

    def _current(self) -> Watch | None:
        watches = self._watches()
        return next((watch for watch in watches if watch.record is not None and not watch.is_in_thread), None)

    def _stuck_in_thread(self) -> Watch | None:
        for watch in self._watches():
            since = watch.since
            if watch.is_in_thread and watch.record is not None and monotonic() - since > self.last_resort:
                if since == self._stuck:
                    return watch
                self._stuck = since  # the next look tells, as above
        return None
