"""What a look is handed: the only ways out of it to databases, the environment, files and the clock."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from backfill.database import Connection

READ_SECONDS: Final = 20.0
MARGIN_SECONDS: Final = 10.0  # that a source has beyond its own timeout, before it is left behind
AT_ONCE: Final = 16  # sources; the others wait for them


@dataclass(frozen=True)
class Surroundings:
    """Where a look takes place; a command makes it, and a test its own."""

    connect: "Callable[[str], AbstractAsyncContextManager[Connection]]"  # to the database of a URL
    environ: Mapping[str, str]
    folder: Path  # that globs and relative paths start from
    now: Callable[[], float]  # seconds since the epoch
    tenant: str
    since: float | None = None  # what is older does not count
    stdin: BinaryIO | None = None
    read_seconds: float = READ_SECONDS  # for the logs of one look; what is left is read at the next
    read_until: float | None = None  # when those are over, by time.monotonic(); each look sets it
