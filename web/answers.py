"""Values as JSON: times in UTC with a Z, ids as strings."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import Response

from backfill.ledger.views import Page
from backfill.ledger.views import cursor as cursors

Item = dict[str, Any]


class Answer(Response):
    """A JSON body of what the ledger gives."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return encoded(content)


def listed(page: Page) -> Answer:
    """A page of a list."""
    return Answer({"items": page.items, "next_cursor": page.next_cursor})


def paged(
    name: str,
    items: Iterable[Item],
    place: Mapping[str, Callable[[str], Any]],
    cursor: str | None,
    limit: int,
    **more: Any,
) -> Answer:
    """A page of a list that was read whole, in the order of these fields, each with what reads it in a cursor."""

    def of(item: Item) -> list[Any]:
        return [item[field] for field in place]

    behind = None if cursor is None else cursors.decode(name, cursor, list(place.values()))
    left = sorted((one for one in items if behind is None or of(one) > behind), key=of)
    shown = left[:limit]
    following = cursors.encode(name, *of(shown[-1])) if len(left) > limit else None
    return Answer({"items": shown, "next_cursor": following, **more})


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
