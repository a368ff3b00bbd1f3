"""Time zones as a profile names them."""

from datetime import tzinfo
from zoneinfo import ZoneInfo


def named(name: str | None) -> tzinfo | None:
    """The time zone of that name, None for None; raises ValueError for one that there is not."""
    try:
        return None if name is None else ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin or UTC") from error
