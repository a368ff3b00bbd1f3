"""Dates and times: with a time zone where the column has one, and nowhere else."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from backfill.kinds.kind import Kind

# The driver reads infinity as these; written back, they would be the year 9999.
INFINITE: Final = (date.max, date.min, datetime.max, datetime.min)  # noqa: DTZ901 - compared without their zones


def _date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError
    return str(_finite(value).isoformat())


def _finite(value: Any) -> Any:
    if (value.replace(tzinfo=None) if isinstance(value, datetime) else value) in INFINITE:
        raise ValueError("the driver's word for infinity, which would be stored as a date like any other")
    return value


def _timestamp(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    if value.tzinfo is not None:
        raise ValueError(
            "it has a time zone and the column has none: give it without, such as value.replace(tzinfo=None)"
        )
    return str(_finite(value).isoformat(" "))


def _timestamptz(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    if value.utcoffset() is None:
        raise ValueError("it has no time zone, so that it would mean another moment on each machine: give it with one")
    try:
        return str(_finite(_finite(value).astimezone(UTC)).isoformat(" "))
    except OverflowError:
        raise ValueError("out of range") from None


def _time(value: Any) -> str:
    if not isinstance(value, time):
        raise TypeError
    if value.tzinfo is not None:
        raise ValueError("it has a time zone and the column has none")
    return value.isoformat()


def _timetz(value: Any) -> str:
    if not isinstance(value, time):
        raise TypeError
    if value.utcoffset() is None:
        raise ValueError("it has no time zone: give it with one")
    return value.isoformat()


def _interval(value: Any) -> str:
    if not isinstance(value, timedelta):
        raise TypeError
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    return f"{sign}{value.days} days {sign}{value.seconds}.{value.microseconds:06} seconds"


KINDS: Final = (
    Kind("date", "a datetime.date", _date),
    Kind("time", "a datetime.time without a time zone", _time),
    Kind("timetz", "a datetime.time with a time zone", _timetz),
    Kind("timestamp", "a datetime.datetime without a time zone", _timestamp),
    Kind("timestamptz", "a datetime.datetime with a time zone", _timestamptz),
    # A month is no number of days, but equals 30 of them.
    Kind("interval", "a datetime.timedelta", _interval, as_text=True),
)
