"""URLs as they may be shown."""

import re
from typing import Final

BETWEEN_URLS: Final = re.compile(r"\s*;\s*(?=amqps?://)")


def mask(url: str) -> str:
    """The URL, or each of the several of a RabbitMQ cluster, without its password."""
    return ";".join(_mask(one) for one in BETWEEN_URLS.split(url))


def _mask(url: str) -> str:
    # To the last @: better a host too few in a message than half a password.
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url))
