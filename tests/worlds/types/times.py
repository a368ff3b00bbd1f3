"""Examples of dates and times."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from tests.worlds.model import Type

PARIS = timezone(timedelta(hours=2))
ODD = timezone(-timedelta(hours=1, minutes=30, seconds=15))
NO_TIMES: tuple[Any, ...] = ("2020-01-01", "12:00", 1, 1.5, True, b"x", object())
MOMENT = datetime(2020, 2, 29, 12, 30, 0, 500_000)

TIMES = [
    Type(
        "date",
        "date",
        ((date(2020, 2, 29), "'2020-02-29'"), (date(1, 1, 2), "'0001-01-02'"), (date(9999, 12, 30), "'9999-12-30'")),
        (date.max, date.min, MOMENT, time(1), *NO_TIMES),
        (("'infinity'", None), ("'-infinity'", None), ("'10000-01-01'", None), ("'4714-11-24 BC'", None)),
        ("'infinity'", "'-infinity'", "'2020-02-29'", "'0001-01-01'"),
        ("'10000-01-01'", "'4714-11-24 BC'", "'5874897-12-31'"),
    ),
    Type(
        "timestamp",
        "datetime",
        (
            (MOMENT, "'2020-02-29 12:30:00.5'"),
            (datetime(1, 1, 1, 0, 0, 1), "'0001-01-01 00:00:01'"),
            (datetime(9999, 12, 31), "'9999-12-31'"),
        ),
        (datetime.max, datetime.min, MOMENT.replace(tzinfo=UTC), date(2020, 1, 1), *NO_TIMES),
        (("'infinity'", None), ("'-infinity'", None), ("'294276-12-31'", None), ("'4714-11-24 BC'", None)),
        ("'infinity'", "'-infinity'", "'2020-02-29 12:30:00.000001'"),
        ("'294276-12-31 23:59:59'", "'4714-11-24 BC'"),
    ),
    Type(
        "timestamptz",
        "datetime",
        (
            (MOMENT.replace(tzinfo=UTC), "'2020-02-29 12:30:00.5+00'"),
            (MOMENT.replace(tzinfo=PARIS), "'2020-02-29 12:30:00.5+02'"),
            (MOMENT.replace(tzinfo=ODD), "'2020-02-29 12:30:00.5-01:30:15'"),
            (datetime(9999, 12, 31, tzinfo=UTC), "'9999-12-31 00:00+00'"),
        ),
        (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=PARIS), MOMENT, *NO_TIMES),
        (("'infinity'", None), ("'-infinity'", None), ("'294276-12-31 00:00+00'", None)),
        ("'infinity'", "'-infinity'", "'2020-02-29 12:30:00.000001+00'", "'2020-02-29 12:30:00+02'"),
        ("'294276-12-31 23:59:59+00'", "'4714-11-24 00:00+00 BC'"),
    ),
    Type(
        "timestamp(0)",
        "datetime",
        ((MOMENT, "'2020-02-29 12:30:00.5'"), (datetime(2020, 1, 1, 0, 0, 1, 499_999), "'2020-01-01 00:00:01'")),
        NO_TIMES,
    ),
    Type(
        "time",
        "time",
        ((time(), "'00:00'"), (time(23, 59, 59, 999_999), "'23:59:59.999999'")),
        (time(1, tzinfo=UTC), MOMENT, *NO_TIMES),
        (("'24:00'", None),),
        ("'00:00'", "'23:59:59.999999'"),
        ("'24:00'",),
    ),
    Type("time(0)", "time", ((time(1, 2, 3, 500_000), "'01:02:03.5'"),), NO_TIMES),
    Type(
        "timetz",
        "time",
        (
            (time(tzinfo=UTC), "'00:00+00'"),
            (time(1, tzinfo=PARIS), "'01:00+02'"),
            (time(1, 2, 3, 4, tzinfo=ODD), "'01:02:03.000004-01:30:15'"),
        ),
        (time(1), MOMENT, *NO_TIMES),
        (("'24:00+00'", None),),
        ("'00:00+00'", "'01:00+02'", "'00:00+01'", "'00:00-15:59:59'"),
        ("'24:00+00'",),
    ),
    Type(
        "interval",
        "timedelta",
        (
            (timedelta(), "'0'"),
            (timedelta(days=-1, microseconds=1), "'-23:59:59.999999'"),
            (timedelta(days=999_999_999), "'999999999 days'"),
            (timedelta(days=3, seconds=4, microseconds=5), "'3 days 4.000005 seconds'"),
            (timedelta(days=-3, hours=-1), "'-3 days -1 hour'"),
        ),
        (timedelta, time(1), *NO_TIMES),
        (("'1 month'", "'30 days'"), ("'-1 year'", "'-365 days'"), ("'178000000 years'", None)),
        ("'0'", "'1 month'", "'29 days'", "'-1 year'", "'1 month 1 microsecond'"),
        ("'178000000 years'", "'-178000000 years'"),
    ),
    Type("interval(0)", "timedelta", ((timedelta(seconds=1, microseconds=500_000), "'1.5 seconds'"),), NO_TIMES),
    Type("interval day to minute", "timedelta", ((timedelta(days=1, seconds=61), "'1 day 61 seconds'"),), NO_TIMES),
]
