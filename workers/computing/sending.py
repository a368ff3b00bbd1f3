"""Values that go from process to process: plain ones as they are, the driver's own so that they can be made again."""

import datetime
import ipaddress
from collections.abc import Iterable, Mapping
from decimal import Decimal
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final
from uuid import UUID

import asyncpg
from asyncpg.pgproto.pgproto import UUID as DRIVERS_UUID
from asyncpg.types import BitString, Box, Circle, Line, LineSegment, Path, Point, Polygon, Range

from backfill import texts

PLAIN: Final = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes, bytearray, Decimal, UUID, DRIVERS_UUID, BitString, Range),
        *(datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone),
        *(ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Interface, ipaddress.IPv6Interface),
        *(ipaddress.IPv4Network, ipaddress.IPv6Network),
    }
)
SHAPES: Final = frozenset({Point, Line, LineSegment, Box, Circle, Polygon})  # each is a tuple of what it is made of


class UnsendableError(Exception):
    """A value cannot be sent from process to process."""


class _Made:
    """Arrives as what the class makes of the arguments: those of the driver do not say it themselves."""

    def __init__(self, kind: Any, arguments: Iterable[Any]) -> None:
        self._made = kind, tuple(arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._made


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row as another process can have it; raises UnsendableError."""
    return {name: sendable(value) for name, value in row.items()}


def sendable(value: Any) -> Any:
    """The value, or what arrives as it."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in (list, tuple):
        return kind(map(sendable, value))
    if kind is dict:
        return {sendable(key): sendable(one) for key, one in value.items()}
    if isinstance(value, asyncpg.Record):  # a composite value
        return {name: sendable(one) for name, one in value.items()}
    if kind in SHAPES:
        return _Made(kind, _parts(value))
    if kind is Path:
        return _Made(_path, (value.is_closed, *map(sendable, value.points)))
    try:
        ForkingPickler.loads(ForkingPickler.dumps(value))  # it may arrive as something else, or not at all
    except Exception as error:
        raise UnsendableError(f"a {texts.clean(kind.__name__, 200)} ({texts.in_a_line(error)})") from None
    return value


def _parts(shape: Any) -> Iterable[Any]:
    return map(sendable, shape.points if isinstance(shape, Polygon) else shape)


def _path(is_closed: bool, *points: Any) -> Path:
    return Path(*points, is_closed=is_closed)
