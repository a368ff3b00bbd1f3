"""How the driver reads types for `compute`, where its own way would lose something, or a str say too little."""

import json
from datetime import time, timedelta, timezone
from typing import Any, Final

import asyncpg

from backfill import statements

DAY: Final = 86_400_000_000  # microseconds


async def read_types(connection: "asyncpg.Connection[Any]") -> None:
    """Let definitions see json, jsonb and hstore as Python objects, and arrays of extensions' texts as they are.

    The driver reads what it does not know as text, and takes an array's empty text for none at all: the list that it
    makes then ends the process as soon as it is looked at.
    """
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=lambda value: json.dumps(value, allow_nan=False), decoder=json.loads
        )
    # The driver's own way with these cuts an offset to minutes and takes 178,000,000 years for less than two.
    await connection.set_type_codec(
        "timetz", schema="pg_catalog", format="tuple", encoder=_timetz_parts, decoder=_timetz
    )
    await connection.set_type_codec(
        "interval", schema="pg_catalog", format="tuple", encoder=_interval_parts, decoder=_interval
    )
    for row in await connection.fetch(statements.read("catalog/read_extension_types")):
        name, schema = row["name"], row["schema_name"]
        if name == "ltree":
            await connection.set_type_codec(
                name, schema=schema, format="binary", encoder=lambda text: b"\1" + text.encode(), decoder=_ltree
            )
        else:
            codec = "pg_contrib.hstore" if name == "hstore" else "text"
            await connection.set_builtin_type_codec(name, schema=schema, codec_name=codec)


def _timetz(parts: tuple[int, int]) -> time:
    microseconds, west = parts
    if microseconds == DAY:
        raise ValueError("24:00 is no time in Python")
    seconds, rest = divmod(microseconds, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, rest, timezone(timedelta(seconds=-west)))


def _timetz_parts(value: time) -> tuple[int, int]:
    offset = value.utcoffset() or timedelta()
    since = timedelta(0, value.second, value.microsecond, 0, value.minute, value.hour)
    return since // timedelta(microseconds=1), -round(offset.total_seconds())


def _interval(parts: tuple[int, int, int]) -> timedelta:
    """A year has 365 days and a month 30, as the driver has it."""
    months, days, microseconds = parts
    sign = -1 if months < 0 else 1
    years, months = divmod(abs(months), 12)
    return timedelta(days=days + sign * (years * 365 + months * 30), microseconds=microseconds)


def _interval_parts(value: timedelta) -> tuple[int, int, int]:
    return 0, value.days, value.seconds * 1_000_000 + value.microseconds


def _ltree(data: bytes) -> str:
    return bytes(data)[1:].decode()  # behind the version of its format
