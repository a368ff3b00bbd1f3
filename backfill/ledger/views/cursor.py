"""Where the next page of a list begins: a text that says nothing to people, and that is checked when it comes back."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from backfill.errors import UsageError
from backfill.texts import MOST

MOST_OF_AN_ID: Final = 2**63 - 1


def encode(name: str, *place: object) -> str:
    """The cursor behind the row at that place of the list."""
    written = [one.isoformat() if isinstance(one, datetime) else str(one) for one in place]
    return base64.urlsafe_b64encode(json.dumps([name, *written]).encode()).decode().rstrip("=")


def decode(name: str, cursor: str | None, kinds: Sequence[Callable[[str], Any]]) -> list[Any]:
    """The place again, Nones at the beginning of the list; raises UsageError for what is no cursor of it."""
    if cursor is None:
        return [None] * len(kinds)
    try:
        if len(cursor) > MOST:
            raise ValueError
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, *place = json.loads(raw)
        if of != name or not all(isinstance(one, str) for one in place):
            raise ValueError
        return [kind(one) for kind, one in zip(kinds, place, strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise UsageError(f"this is no cursor of {name}; begin without one, and take next_cursor as it is") from error


def number(text: str) -> int:
    """An id of the ledger."""
    found = int(text) if text.isascii() and text.isdecimal() else 0
    if not 0 < found <= MOST_OF_AN_ID:
        raise ValueError
    return found


def moment(text: str) -> datetime:
    """A time with its zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    return found


def key(text: str) -> str:
    """Of a partition, as the ledger writes it: `5` is 000000005."""
    return f"{number(text):09}"
