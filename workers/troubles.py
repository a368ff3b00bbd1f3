"""What goes wrong again and again, said once until it changes."""

from collections.abc import Callable, Hashable
from typing import Final

from backfill.database import is_away
from backfill.errors import BackfillError
from backfill.log import warn
from backfill.texts import clean, in_a_line

MOST: Final = 1_000  # remembered; beyond them the oldest may be said again


class Troubles:
    """Remembers what was said about what."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[Hashable, str] = {}

    def tell(self, about: Hashable, text: str) -> None:
        """Say it, unless it was the last that was said about this."""
        if self._said.get(about) == text:
            return
        self._said.pop(about, None)
        while len(self._said) >= MOST:
            del self._said[next(iter(self._said))]
        self._said[about] = text
        warn(self._say, text)

    def tell_or_raise(self, about: Hashable, what: str, error: Exception) -> None:
        """Say what is wrong with one backfill or job alone; raises what is wrong with the database."""
        if is_away(error):
            raise error
        self.tell(about, f"{what}: {clean(error) if isinstance(error, BackfillError) else in_a_line(error)}")

    def is_told(self, about: Hashable) -> bool:
        return about in self._said

    def over(self, about: Hashable) -> bool:
        """It works: should it fail again, that is news. Returns whether it was said that it does not."""
        return self._said.pop(about, None) is not None
