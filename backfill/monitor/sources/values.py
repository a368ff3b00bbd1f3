"""What a column, a program or a JSON object says of a measure, as a value of its kind."""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Final

from backfill.monitor.readings import Measure, Problem, Reading, Value
from backfill.texts import one_line

MOST_OF_A_TEXT: Final = 200
MOST_DIGITS: Final = 100  # an id of 256 bits has 78
NAMES: Final = ", ".join(Measure)
TIMES: Final = {Measure.NEWEST}
ANYTHING: Final = {Measure.RANGE_START, Measure.RANGE_END}
NUMBER: Final = re.compile(r"[-+]?(\d[\d,_']*)?(\.\d+)?([eE][-+]?\d{1,3})?")
# Epochs are told in seconds, or in thousandths, millionths or billionths: those of our times are that far apart.
LARGEST_SECONDS: Final = 1e11


def take(found: Mapping[str, Any], naive: tzinfo | None, reading: Reading) -> None:
    """Take the measures among what was found; one that is NULL is not known."""
    for measure in Measure:
        if (raw := found.get(measure.value)) is None:
            continue
        try:
            reading.measures[measure] = value(measure, raw, naive)
        except ValueError as error:
            reading.problems.append(Problem(reading.source, f"{measure.value}: {error}; correct what tells it"))


def value(measure: Measure, raw: object, naive: tzinfo | None) -> Value:
    """What was said, as the measure has it; times without a zone are of `naive`, or of this machine.

    Raises ValueError saying what it is instead.
    """
    if measure in TIMES:
        return moment(raw, naive)
    if measure in ANYTHING:
        return _anything(raw, naive)
    if measure is Measure.PERCENT and isinstance(raw, str):
        raw = raw.strip().removesuffix("%")
    return number(raw)


def number(raw: object) -> int | float:
    """A number, also one written with separators; raises ValueError for anything else."""
    if isinstance(raw, str):
        text = raw.strip()
        if not text or not NUMBER.fullmatch(text) or not re.search(r"\d", text):
            raise ValueError(_no_number(raw))
        raw = Decimal(re.sub(r"[,_']", "", text))
    if isinstance(raw, Decimal) and raw.is_finite() and raw.adjusted() < MOST_DIGITS:
        return int(raw) if raw == raw.to_integral_value() else float(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise ValueError(_no_number(raw))  # noqa: TRY004 - what was said is wrong, not the call
    if not math.isfinite(raw) or isinstance(raw, Decimal):
        raise ValueError(f"{one_line(raw, 60)} is too large, or not finite")
    return int(raw) if isinstance(raw, int) else float(raw)


def _no_number(raw: object) -> str:
    return f"{one_line(raw, 60)!r} is no number"


def moment(raw: object, naive: tzinfo | None) -> datetime:
    """A time, of ISO 8601 or of an epoch; raises ValueError for anything else, and for infinity."""
    if isinstance(raw, str):
        raw = _told(raw.strip())
    if isinstance(raw, date) and not isinstance(raw, datetime):
        raw = datetime(raw.year, raw.month, raw.day)  # noqa: DTZ001 - its zone comes below
    try:
        if isinstance(raw, datetime):
            if raw.year in (1, 9999):  # as the driver has them
                raise ValueError("infinity is no time")
            if raw.tzinfo is None:
                raw = raw.replace(tzinfo=naive) if naive else raw.astimezone()
            return raw.astimezone(UTC)
        return datetime.fromtimestamp(seconds(number(raw)), UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{one_line(raw, 60)} is no time of ours") from error


def seconds(epoch: float) -> float:
    """An epoch in seconds, in whatever part of a second it was told."""
    for _ in range(3):
        if abs(epoch) >= LARGEST_SECONDS:
            epoch /= 1000
    return epoch


def _told(text: str) -> datetime | str:
    if NUMBER.fullmatch(text) and len(text) > 8:  # 20261126 is a day
        return text
    if text.lstrip("+-").lower() in ("infinity", "inf"):
        raise ValueError("infinity is no time")
    try:
        # PostgreSQL writes an offset as +00; Python reads +00:00 only.
        return datetime.fromisoformat(re.sub(r"([+-]\d\d)$", r"\1:00", text) if ":" in text else text)
    except ValueError:
        raise ValueError(f"{one_line(text, 60)!r} is no time; write it as 2026-11-26T15:04:05+00:00") from None


def _anything(raw: object, naive: tzinfo | None) -> Value:
    with suppress(ValueError):  # infinity has a text
        if isinstance(raw, date):
            return moment(raw, naive)
        if not isinstance(raw, str):
            return number(raw)
    return one_line(raw, MOST_OF_A_TEXT)
