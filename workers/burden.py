"""What this process takes of the machine, as far as the system tells."""

import os
import time
from pathlib import Path
from typing import Final

STATM: Final = Path("/proc/self/statm")  # in pages: size, resident, …


class Burden:
    """Read again and again: of the processor it is what was taken since the last time."""

    def __init__(self) -> None:
        self._at, self._used = time.monotonic(), time.process_time()

    def cpu_percent(self) -> float | None:
        """Of one core, all threads together; None in the first moment."""
        at, used = time.monotonic(), time.process_time()
        passed, taken = at - self._at, used - self._used
        if passed < 0.05:  # less than the clocks can tell apart
            return None
        self._at, self._used = at, used
        return round(100 * taken / passed, 1)

    @staticmethod
    def memory_bytes() -> int | None:
        """Resident now; None where the system has no such file."""
        try:
            return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):
            return None
