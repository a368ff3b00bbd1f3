"""What belongs to the extra `monitor`, and what to say where it is not installed."""

from typing import Final

from backfill.errors import UsageError

MISSING: Final = "the monitor needs google-re2 and psutil: pip install 'backfill-toolkit[monitor]'"


def need() -> None:
    """Raise UsageError unless both can be imported."""
    try:
        import psutil  # noqa: F401
        import re2  # noqa: F401
    except ImportError as error:
        raise UsageError(MISSING) from error
