"""Failed sign-ins: a few a minute from one address, more from all, then everybody has to wait."""

import time
from collections import OrderedDict, deque
from typing import Final

WINDOW_SECONDS: Final = 60.0
OF_ONE: Final = 10
OF_ALL: Final = 100
MOST_ADDRESSES: Final = 10_000


class Attempts:
    """Failures of the last minute; nothing of them outlives the process."""

    def __init__(self) -> None:
        self._of_one: OrderedDict[str, deque[float]] = OrderedDict()
        self._of_all: deque[float] = deque(maxlen=OF_ALL)

    def seconds_to_wait(self, address: str) -> float:
        """How long the address has to wait until it may try again; 0 when it may now."""
        now = time.monotonic()
        return max(
            _left(self._of_one.get(address, deque()), OF_ONE, now),
            _left(self._of_all, OF_ALL, now),
        )

    def failed(self, address: str) -> None:
        """Remember a failure."""
        now = time.monotonic()
        self._of_all.append(now)
        self._of_one.setdefault(address, deque(maxlen=OF_ONE)).append(now)
        self._of_one.move_to_end(address)
        while len(self._of_one) > MOST_ADDRESSES:
            self._of_one.popitem(last=False)


def _left(failures: deque[float], most: int, now: float) -> float:
    return max(0.0, failures[0] + WINDOW_SECONDS - now) if len(failures) == most else 0.0
