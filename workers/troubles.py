"""What goes wrong again and again, said once until it changes."""

from collections.abc import Callable, Hashable
from typing import Final

from backfill.log import warn

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

    def is_told(self, about: Hashable) -> bool:
        return about in self._said

    def over(self, about: Hashable) -> bool:
        """It works: should it fail again, that is news. Returns whether it was said that it does not."""
        return self._said.pop(about, None) is not None
