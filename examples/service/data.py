"""What the service knows: everything follows from what it is asked for, so that anybody can tell what is right."""

import calendar
import hashlib
import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

KNOWN_OF_TEN: Final = 8  # of ten types have a price
FIRST: Final = datetime(2024, 1, 1, tzinfo=UTC)
UNIT: Final = re.compile(r"unit-\d{4}")
MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
WORDS: Final = {"refund": "billing", "invoice": "billing", "broken": "fault", "thank": "praise", "?": "question"}


def price(type_id: int) -> dict[str, Any] | None:
    """Type, price and as of when; None for a type that has no price."""
    rng = _rng("price", type_id)
    if rng.randrange(10) >= KNOWN_OF_TEN:
        return None
    cents = round(100 * min(max(10 ** rng.gauss(4.8, 1.9), 0.01), 7e9))
    as_of = FIRST + timedelta(minutes=rng.randrange(600_000))
    # A string: a price is no binary fraction.
    return {"type_id": type_id, "price": f"{cents // 100}.{cents % 100:02}", "as_of": as_of.isoformat()}


def generation(unit: str, month: str) -> dict[str, Any] | None:
    """What a unit has generated, day by day; None for what is no unit or month."""
    if not UNIT.fullmatch(unit) or not MONTH.fullmatch(month):
        return None
    year, number = map(int, month.split("-"))
    rng = _rng("generation", unit, month)
    days = range(1, calendar.monthrange(year, number)[1] + 1)
    rows = [{"day": date(year, number, day).isoformat(), "kwh": f"{rng.uniform(5, 60):.3f}"} for day in days]
    return {"unit": unit, "month": month, "rows": rows}


def label(text: str) -> str:
    """The class of a text: that of the first of some words that it has."""
    return next((label for word, label in WORDS.items() if word in text.casefold()), "other")


def etag(body: bytes) -> str:
    """What stands for an answer."""
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _rng(*parts: object) -> random.Random:
    return random.Random(" ".join(map(str, parts)))  # noqa: S311 - a seeded sequence is wanted
