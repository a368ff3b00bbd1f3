"""Computed values on their way to the database: checked against the columns' types, refused record by record."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from backfill.catalog import INTEGER_BOUNDS, Column
from backfill.ledger.partitions import Tally


@dataclass
class Computed:
    """Keys, the versions their values were computed from, and the values as one list a column."""

    keys: list[Any]
    versions: list[Any]
    columns: list[list[Any]]

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, start: int, end: int) -> "Computed":
        return Computed(self.keys[start:end], self.versions[start:end], [column[start:end] for column in self.columns])

    def arguments(self, columns: Sequence[Column]) -> list[Any]:
        """The arrays for the apply statement."""
        packed: list[Any] = []
        for column, values in zip(columns, self.columns, strict=True):
            packed.append(_literal(values) if column.travels_as_text else values)
        return [self.keys, self.versions, *packed]


def checked(columns: Sequence[Column], records: list[tuple[Any, ...]], tally: Tally) -> Computed:
    """Turn (key, version, value, …) records into columns; records with a value that no column may hold fail.

    A column is first looked at whole, which costs a fraction of looking at each value.
    """
    while records:
        keys, versions, *by_column = map(list, zip(*records, strict=True))
        if all(_is_plain(column, values) for column, values in zip(columns, by_column, strict=True)):
            return Computed(keys, versions, by_column)
        kept = []
        for record in records:
            try:
                for column, value in zip(columns, record[2:], strict=True):
                    _check(column, value)
            except (TypeError, ValueError) as error:
                tally.failed[str(record[0])] = type(error).__name__, str(error)
            else:
                kept.append(record)
        if len(kept) == len(records):
            return Computed(keys, versions, by_column)
        records = kept
    return Computed([], [], [[] for _ in columns])


def _literal(values: list[Any]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _is_plain(column: Column, values: list[Any]) -> bool:
    """Whether the whole column is of the one usual type and in bounds."""
    types = set(map(type, values))
    if len(types) != 1:
        return False
    usual = types.pop()
    if column.type == "numeric":
        return usual is Decimal and all(map(Decimal.is_finite, values))
    if column.type in ("real", "double precision"):
        return usual is float and all(map(math.isfinite, values))
    if bound := INTEGER_BOUNDS.get(column.type):
        return usual is int and -bound <= min(values) and max(values) < bound
    return False


def _check(column: Column, value: Any) -> None:
    if value is None:
        if column.not_null:
            raise ValueError(f"{column.name} is None, but the column is NOT NULL")
    elif check := _CHECKS.get(column.type):
        check(column, value)


def _number(column: Column, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (Decimal, float, int)):
        raise _wrong_type(column, value)
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        raise ValueError(f"{column.name} is {value}: not a finite number")


def _float(column: Column, value: Any) -> None:
    if isinstance(value, Decimal):
        raise _wrong_type(column, value)
    _number(column, value)


def _integer(column: Column, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(column, value)
    bound = INTEGER_BOUNDS[column.type]
    if not -bound <= value < bound:
        raise ValueError(f"{column.name} is {value}: out of range for {column.full_type}")


def _text(column: Column, value: Any) -> None:
    if not isinstance(value, str):
        raise _wrong_type(column, value)
    if "\0" in value:
        raise ValueError(f"{column.name} holds a NUL character, which PostgreSQL cannot store")


def _boolean(column: Column, value: Any) -> None:
    if not isinstance(value, bool):
        raise _wrong_type(column, value)


def _wrong_type(column: Column, value: Any) -> TypeError:
    return TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")


_CHECKS: Final[dict[str, Callable[[Column, Any], None]]] = {
    "numeric": _number,
    "real": _float,
    "double precision": _float,
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "text": _text,
    "character varying": _text,
    "boolean": _boolean,
}
