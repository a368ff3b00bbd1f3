"""A key, of one column or several, and its one canonical text.

PostgreSQL makes the text and reads it back, under session settings that are pinned (backfill/sessions.py): the column
cast to text, or for several columns the array of those as a literal, such as {1001,3}. Ledger, messages, failures and
pages hold that text and nothing else; what the driver makes of a key is seen by `load` and `compute` alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from backfill.columns import Column
from backfill.database import quote

INTEGERS: Final = frozenset({"int2", "int4", "int8"})
SHORT: Final = INTEGERS | {"uuid", "oid", "date", "timestamp", "timestamptz", "float4", "float8", "time", "bool"}

# What a driver's value is found by as it is, and NaN alone of them is not equal to itself.
PLAIN: Final = (int, str, bytes, float, Decimal, UUID, date, time, timedelta)


@dataclass(frozen=True)
class Key:
    """The key of a table: SQL fragments for its columns, and the way between its text and Python."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def is_integer(self) -> bool:
        return len(self.columns) == 1 and self.columns[0].kind_name in INTEGERS

    @property
    def longest(self) -> int:
        """About how many bytes the text of one takes at most; an index entry ends at 2.7 kB."""
        return 40 * len(self.columns) if all(column.kind_name in SHORT for column in self.columns) else 2_700

    @property
    def title(self) -> str:
        """For people: the column, or all of them in parentheses."""
        return self.names[0] if len(self.columns) == 1 else f"({', '.join(self.names)})"

    # --- SQL

    def text(self, values: Sequence[str]) -> str:
        """The canonical text, of an expression for each column."""
        # Texts are compared with others, whatever the collations of their columns.
        parts = [f'({value})::text COLLATE "C"' for value in values]
        return parts[0] if len(parts) == 1 else f"ARRAY[{', '.join(parts)}]::text"

    def parsed(self, text: str) -> list[str]:
        """An expression for each column, of one that is the canonical text."""
        if len(self.columns) == 1:
            return [f"({text})::{self.columns[0].cast_to}"]
        return [f"(({text})::text[])[{n}]::{column.cast_to}" for n, column in enumerate(self.columns, start=1)]

    def given(self, table: str) -> str:
        """SQL: the rows of the keys whose columns are given as array literals, and `c.n`, the place of each."""
        if len(self.columns) == 1:  # looked up as a whole, which an index does best
            return f"{table} t WHERE {self.among('$1')}"
        names = self.fragments
        return (
            f"unnest({names['key_arrays']}) WITH ORDINALITY AS c ({names['key_names']}, n) "
            f"JOIN {table} t ON {names['joined']}"
        )

    def among(self, parameter: str) -> str:
        """SQL: whether a row of the table is one of the keys in an array's literal."""
        if len(self.columns) == 1:
            array = f"{self.columns[0].cast_to}[]"
            # In a query of its own: in a filter PostgreSQL would read the literal again for each row.
            return f"{self._compared('t.{}')[0]} = ANY ((SELECT {parameter}::text::{array})::{array})"
        ids = f"{parameter}::text::text[]"
        of_table = _list(self._compared("t.{}"))
        return f"({of_table}) IN (SELECT {_list(self.parsed('i.id'))} FROM unnest({ids}) AS i (id))"  # noqa: S608 - quoted names

    def _compared(self, pattern: str, names: Sequence[str] = ()) -> list[str]:
        """SQL: each column as it is compared: a domain over an enum or a range has no operators of its own."""
        return [
            f"{pattern.format(name)}::{column.cast_to}" if column.is_domain else pattern.format(name)
            for name, column in zip(names or map(quote, self.names), self.columns, strict=True)
        ]

    @cached_property
    def fragments(self) -> dict[str, str]:
        """What the templates in sql/target need of a key; `t` is the table, `s` a span of it, `l` its locked rows."""
        of_table = [f"t.{quote(name)}" for name in self.names]
        aliases = [f"k{n}" for n in range(len(self.columns))]
        nullable = [f"t.{quote(column.name)} IS NOT NULL" for column in self.columns if not column.not_null]
        arrays = [f"${n}::text::{c.cast_to}[]" for n, c in enumerate(self.columns, start=1)]
        compared = self._compared("t.{}")
        locked = self._compared("l.{}", aliases)
        return {
            "key_columns": _list(f"{column} AS {alias}" for column, alias in zip(of_table, aliases, strict=True)),
            "key_text": self.text(of_table),
            "leads_back": f"{_row(self.parsed(self.text(of_table)))} = {_row(compared)}",
            "key_names": _list(aliases),
            "key_arrays": _list(arrays),
            "has_key": " AND ".join(nullable) or "true",
            "among": self.among("$1"),
            "place": self.text(of_table) if len(self.columns) == 1 else "c.n",
            "joined": " AND ".join(f"{c} = c.{a}" for c, a in zip(compared, aliases, strict=True)),
            "same_written": " AND ".join(
                f"{a} = {b}" for a, b in zip(locked, self._compared("w.{}", aliases), strict=True)
            ),
            "same_key": " AND ".join(f"{c} = {a}" for c, a in zip(compared, locked, strict=True)),
            "order_asc": _list(of_table),
            "order_desc": _list(f"{column} DESC" for column in of_table),
            "span_text": self.text([f"s.{alias}" for alias in aliases]),
            "locked_names": _list(f"l.{alias}" for alias in aliases),
            "locked_text": self.text([f"l.{alias}" for alias in aliases]),
            "given_text": self.text(self.parsed("i.id")),
            "given_whole": "true"
            if len(self.columns) == 1
            else f"cardinality((i.id)::text[]) = {len(self.columns)} AND {_row(self.parsed('i.id'))} IS NOT NULL",
            # With its modifiers a char(5) is padded, as the driver sees it in the table.
            "given_parts": _list(
                f"{part}::{column.full_type}" for part, column in zip(self.parsed("i.id"), self.columns, strict=True)
            ),
        }

    def paging(self, order: str, *, inclusive: bool, first: str, last: str) -> dict[str, str]:
        """Conditions of a page: behind `first`, up to `last` (both expressions of canonical texts), in that order."""
        above, below = (">", "<=") if order == "asc" else ("<", ">=")
        after = above + ("=" if inclusive else "")
        of_table = _row(self._compared("t.{}"))
        aliases = [f"k{n}" for n in range(len(self.columns))]
        of_span = _row(self._compared("s.{}", aliases))
        edge = self.parsed(self.fragments["span_text"])
        return {
            "in_range": f"{of_table} {after} {_row(self.parsed(first))} "
            f"AND {of_table} {below} {_row(self.parsed(last))}",
            "key_order": self.fragments[f"order_{order}"],
            "not_behind": below,
            "not_before": f"{above}=",
            "first_of_part": _row(self.parsed("b.record_ids[1]")),
            "last_of_part": _row(self.parsed("b.record_ids[b.record_count]")),
            "of_rows": _list(self._compared("o.{}", aliases)),
            # Its text must say the same key again, and one behind the cursor: else paging would never end.
            "is_beyond": f"{_row(edge)} = {of_span} AND {of_span} {after} {_row(self.parsed(first))}",
        }

    # --- Python

    @property
    def is_exact(self) -> bool:
        """Whether the driver's values are made from texts here; else PostgreSQL is asked for them."""
        return all(column.kind is not None and column.kind.read for column in self.columns)

    def split(self, ids: list[str]) -> list[list[str]] | None:
        """The texts of each column; None where an element is quoted, which PostgreSQL itself must read."""
        if len(self.columns) == 1:
            return [ids]
        joined = ",".join(ids)
        if '"' in joined or "\\" in joined:
            return None
        return [list(column) for column in zip(*[one[1:-1].split(",") for one in ids], strict=True)]

    def read(self, parts: Sequence[Sequence[str]]) -> list[Any]:
        """Keys as the driver would give them, of the texts of each column; only where they are exact."""
        columns = [
            texts if column.kind.read is str else list(map(column.kind.read, texts))
            for column, texts in zip(self.columns, parts, strict=True)
            if column.kind is not None and column.kind.read is not None
        ]
        return list(columns[0]) if len(columns) == 1 else list(zip(*columns, strict=True))

    @cached_property
    def _getter(self) -> Callable[[Mapping[str, Any]], Any]:
        return itemgetter(*self.names)

    def of(self, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
        """The keys of loaded rows; raises KeyError for a row without one of the columns."""
        return list(map(self._getter, rows))

    def comparable(self, keys: list[Any]) -> list[Any]:
        """The same keys so that equal ones are found in a dict: NaN, and what cannot be hashed, among them."""
        if self.is_exact:
            return keys
        padded = [column.kind_name == "bpchar" for column in self.columns]
        if len(self.columns) == 1:
            return [_frozen(key, padded[0]) for key in keys]
        return [tuple(map(_frozen, key, padded)) for key in keys]


def _frozen(value: Any, is_padded: bool) -> Any:
    if is_padded and isinstance(value, str):
        return value.rstrip(" ")  # a query that takes the key from its array has it without the blanks of the column
    if isinstance(value, PLAIN) and not isinstance(value, bool):
        return ("NaN",) if value != value else value
    # A range or a composite may hold NaN, which equals nothing, or what cannot be hashed; true would equal 1.
    return ("repr", repr(value))


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _row(parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f"({_list(found)})"
