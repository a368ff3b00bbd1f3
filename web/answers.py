"""Values as JSON: times in UTC with a Z, ids as strings."""

import json
from collections.abc import Iterable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import Response

from backfill.ledger.views import Page


class Answer(Response):
    """A JSON body of what the ledger gives."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return encoded(content)


def listed(page: Page) -> Answer:
    """A page of a list."""
    return Answer({"items": page.items, "next_cursor": page.next_cursor})


def whole(items: Iterable[Any], **more: Any) -> Answer:
    """A list that is never long, in the same form."""
    return Answer({"items": list(items), "next_cursor": None, **more})


def encoded(value: Any) -> bytes:
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def time(value: datetime) -> str:
    """ISO 8601, in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def now() -> str:
    return time(datetime.now(UTC))


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return time(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
