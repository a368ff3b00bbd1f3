"""What a service's answer says about being left alone: of httpx, aiohttp or requests, or anything like theirs."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

REFUSALS: Final = (429, 503)
UNTOLD_SECONDS: Final = 5.0  # where the answer does not say for how long


def read(response: Any) -> tuple[str, float] | None:
    """Why and for how many seconds the service is to be left alone; None when the answer is no refusal."""
    status = getattr(response, "status_code", None)
    if status is None:
        status = getattr(response, "status", None)
    if status not in REFUSALS:
        return None
    status = HTTPStatus(status)
    return f"{status.value} {status.phrase}", _seconds(response.headers)


def _seconds(headers: Mapping[str, str]) -> float:
    text = str(headers.get("Retry-After") or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        end = _moment(text)
        if end is None:
            return UNTOLD_SECONDS
        # By the service's own clock, where it tells the time.
        now = _moment(str(headers.get("Date") or "")) or datetime.now(UTC)
        return (end - now).total_seconds()
    return seconds if math.isfinite(seconds) else UNTOLD_SECONDS


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
