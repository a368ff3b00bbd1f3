"""What is kept of a log between looks, as JSON."""

from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from backfill.monitor.logs.ranges import Ranges
from backfill.monitor.logs.tally import Tally

VERSION: Final = 1


@dataclass
class Kept:
    """Of one file, and of those before it under its name."""

    version: int
    settings: str  # what it was read by: with others it is read anew
    path: str
    device: int
    inode: int
    printed: int  # bytes of its beginning,
    print: str  # and what they were
    ranges: Ranges
    before: Tally


_ADAPTER: Final = TypeAdapter(Kept)


def read(found: Any) -> Kept | None:
    """What was kept; None when it is damaged, or of another version."""
    try:
        kept = _ADAPTER.validate_python(found)
    except ValidationError:
        return None
    return kept if kept.version == VERSION else None


def written(kept: Kept) -> dict[str, Any]:
    """The same as JSON."""
    return _ADAPTER.dump_python(kept, mode="json")  # type: ignore[no-any-return]
