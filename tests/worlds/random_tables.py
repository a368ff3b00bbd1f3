"""Random tables: keys of random types, a random column, hostile values, and what plain SQL says of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.worlds.model import text


@dataclass(frozen=True)
class Random:
    """A type with random values of it, each with the literal that plain SQL would be given."""

    name: str
    values: st.SearchStrategy[Any]
    literal: Callable[[Any], str]
    is_good: Callable[[Any], bool] = lambda value: True
    of_keys: bool = True  # NaN and infinity are keys, but are never written

    def key(self) -> st.SearchStrategy[str]:
        return self.values.filter(self.is_good if self.of_keys else lambda value: True).map(self.literal)


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


HOSTILE = st.sampled_from(["", "NULL", "null", '"', "\\", "{}", "{a,b}", ",", "'", "$1", "a\0", "\ud800", " x ", "\n"])
TEXT = HOSTILE | st.text(st.characters() | st.sampled_from("\"\\{},'() \t\0\ud83d"), max_size=12)
MICROSECOND = timedelta(microseconds=1)
PARTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def _is_json(value: Any) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    if isinstance(value, dict):
        return all(map(_is_json, [*value, *value.values()]))
    return all(map(_is_json, value)) if isinstance(value, list) else True


def _is_whole_json(value: Any) -> bool:
    return _is_json(value) and not (isinstance(value, str) and value.lstrip()[:1] in ("{", "["))


def _array(element: str, literal: Callable[[Any], str]) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        return f"ARRAY[{', '.join('NULL' if one is None else literal(one) for one in value)}]::{element}[]"

    return write


def _interval(value: timedelta) -> str:
    """Days and the rest, both of one sign: what `-1 day, 0:00:01` means, and not how Python shows it."""
    whole = abs(value)
    literal = f"{whole.days} days {(whole - timedelta(whole.days)) // MICROSECOND} microseconds"
    return f"-'{literal}'::interval" if value < timedelta() else f"'{literal}'"


def integer(name: str, bits: int) -> Random:
    bound = 2 ** (bits - 1)
    edge = st.sampled_from([0, 1, -1, bound - 1, -bound, bound, -bound - 1])
    return Random(
        name, st.integers() | st.integers(-bound, bound - 1) | edge, str, lambda value: -bound <= value < bound
    )


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - the strategy wants them bare
KEYS = [
    integer("smallint", 16),
    integer("integer", 32),
    integer("bigint", 64),
    Random("numeric", st.decimals(allow_nan=False, allow_infinity=False, places=5) | st.just(Decimal("NaN")),
           lambda value: f"'{value}'", Decimal.is_finite, of_keys=False),
    Random("double precision", st.floats(width=64), lambda value: f"'{value!r}'",
           lambda value: abs(value) <= 1.8e308 and value - value == 0, of_keys=False),
    Random("text", TEXT, text, _is_text),
    Random("varchar", TEXT, text, _is_text),
    Random('citext', TEXT, text, _is_text),
    Random("char(8)", TEXT, text, lambda value: _is_text(value) and len(value.rstrip(" ")) <= 8),
    Random("varchar(8)", TEXT, text, lambda value: _is_text(value) and (len(value) <= 8 or not value[8:].strip(" "))),
    Random("uuid", st.uuids() | st.uuids().map(str), lambda value: f"'{value}'"),
    Random("bytea", st.binary(max_size=8), lambda value: rf"'\x{value.hex()}'"),
    Random("boolean", st.booleans(), str),
    Random("date", st.dates(date(1, 1, 2), date(9999, 12, 30)),
           lambda value: f"'{value.year:04}-{value.month}-{value.day}'"),
    Random("timestamp", MOMENTS, lambda value: f"'{value.isoformat()}'"),
    Random("timestamptz", MOMENTS.map(lambda value: value.replace(tzinfo=UTC)), lambda value: f"'{value.isoformat()}'"),
    Random("interval", st.timedeltas(timedelta(-10**6), timedelta(10**6)),
           _interval),
]  # fmt: skip
BY_NAME = {one.name: one for one in KEYS}


def listed(of: Random) -> Random:
    return Random(
        f"{of.name}[]",
        st.lists(st.none() | of.values, max_size=4),
        _array(of.name, of.literal),
        lambda value: all(one is None or of.is_good(one) for one in value),
    )


COLUMNS = [
    *KEYS,
    *(listed(BY_NAME[name]) for name in ("bigint", "numeric", "text", "citext", "varchar(8)", "uuid", "timestamptz")),
    Random("jsonb", PARTS, lambda value: text(json.dumps(value)), _is_whole_json),
    Random("hstore", st.dictionaries(TEXT, st.none() | TEXT, max_size=3),
           lambda value: f"hstore({_array('text', text)(value)}, {_array('text', text)(value.values())})",
           lambda value: all(map(_is_text, filter(None, [*value, *value.values()])))),
]  # fmt: skip


@dataclass(frozen=True)
class Table:
    keys: list[Random]
    column: Random
    rows: list[tuple[tuple[str, ...], Any, bool]]  # key's literals, new value, whether it has an old one
    batch_size: int
    order: str
    mode: str
    loads: bool  # the definition's own `load`, given keys as the driver has them


@st.composite
def tables(draw: st.DrawFn) -> Table:
    keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3))
    column = draw(st.sampled_from(COLUMNS))
    row = st.tuples(st.tuples(*(one.key() for one in keys)), st.none() | column.values, st.booleans())
    return Table(
        keys,
        column,
        draw(st.lists(row, max_size=12)),
        draw(st.integers(1, 7)),
        draw(st.sampled_from(["asc", "desc"])),
        draw(st.sampled_from(["all", "null"])),
        draw(st.booleans()),
    )
