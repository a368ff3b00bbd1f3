"""How long a refusal is borne: a password that is changed everywhere is not changed everywhere at once."""

import time
from typing import Final

REFUSED_SECONDS: Final = 60.0


class Patience:
    """Counts from the first refusal to the last, until one call succeeds."""

    def __init__(self) -> None:
        self._since: float | None = None

    def bears(self) -> bool:
        """Whether to try again after one more refusal."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since < REFUSED_SECONDS

    def over(self) -> None:
        """It is let in again."""
        self._since = None
