"""A report that prints nothing and keeps what should be known."""

from typing import Final

from backfill import log

MOST: Final = 100  # a job may run for days


class Collected:
    """Keeps the first warnings, each once."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def say(self, text: str) -> None:
        """Of a worker, whose warnings say so themselves."""
        level, message = log.weighed(text)
        if level >= log.Level.WARNING:
            self.warn(message)

    def warn(self, text: str) -> None:
        if text not in self.warnings and len(self.warnings) < MOST:
            self.warnings.append(text)

    def note(self, text: str) -> None:
        self.warn(text)

    def begin(self, expected: int, queued: int) -> None:
        """Nobody looks."""

    def batch(self, partition_key: str, records: int) -> None:
        """Nobody looks."""
