"""Errors that a person can act on. Each class chooses an exit code; the message says what to do next."""

from collections.abc import Iterable
from typing import Any, Self


class BackfillError(Exception):
    """Something a person can put right: one sentence with names and values, then the next step."""

    exit_code = 1


class UsageError(BackfillError):
    """The call, a setting or a definition is wrong."""

    exit_code = 2


class NotFoundError(BackfillError):
    """No such job, worker or message."""

    exit_code = 3


class ConflictError(BackfillError):
    """The ledger's state does not allow this; of a job's state it says which ones it may change to."""

    exit_code = 4

    def __init__(self, text: str, allowed: Iterable[str] | None = None) -> None:
        super().__init__(text)
        self.allowed = None if allowed is None else tuple(allowed)


class UnreachableError(BackfillError):
    """PostgreSQL or RabbitMQ does not answer."""

    exit_code = 5


class RefusedError(UnreachableError):
    """RabbitMQ answers, and refuses the login, the virtual host or a permission."""


class SchemaError(BackfillError):
    """A table, a column, an index or the ledger itself is not as it must be."""

    exit_code = 6


class HaltedError(BackfillError):
    """A job is paused until somebody corrects its definition or its table, and resumes it."""

    exit_code = 9


class FailedError(BackfillError):
    """A job failed, or completed with failed records."""

    exit_code = 7


class GivenUpError(BackfillError):
    """A job was cancelled."""

    exit_code = 8


class NotEndedError(BackfillError, TimeoutError):
    """A job has not ended in time."""

    exit_code = 75


class ContractError(BackfillError):
    """A message body that no producer of this project writes; it goes to the dead queue."""


class TransientError(BackfillError):
    """Raise it from a definition when the same record may succeed later: the partition is retried."""


class HeldError(BackfillError):
    """Raise it from a definition when a service wants to be left alone for so many seconds.

    All workers rest for the definition's limit until then; no attempt is counted, and the reason is shown.
    """

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds

    @classmethod
    def from_response(cls, response: Any) -> Self | None:
        """The error to raise for an answer 429 or 503 of httpx, aiohttp or requests; None for any other answer.

        `Retry-After` says for how long, in seconds or as a date; without it, 5 seconds.
        """
        from backfill import retry_after  # reads dates, which takes its time to import

        found = retry_after.read(response)
        return None if found is None else cls(*found)
