"""Computed values on their way to the database: each written as its column's text, or refused record by record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from backfill import kinds, texts
from backfill.columns import Column
from backfill.kinds import packed
from backfill.ledger.tally import Tally

SHOWN: Final = 100  # characters of a refused value


@dataclass
class Batch:
    """Records that were read: the texts of their keys, whole and by key column, and the versions of their rows."""

    ids: list[str]
    parts: list[list[str]]
    versions: list[str]
    input_versions: list[str | None] | None = None  # of inputs in other tables, where the definition gives them

    def __len__(self) -> int:
        return len(self.ids)

    def pick(self, places: Sequence[int]) -> "Batch":
        if list(places) == list(range(len(self.ids))):  # all of them, and in this order
            return self
        return Batch(
            [self.ids[n] for n in places],
            [[part[n] for n in places] for part in self.parts],
            [self.versions[n] for n in places],
            None if self.input_versions is None else [self.input_versions[n] for n in places],
        )


@dataclass
class Computed:
    """Records with their new values as texts, one list a column."""

    batch: Batch
    columns: list[list[str | None]]

    @property
    def ids(self) -> list[str]:
        return self.batch.ids

    def __len__(self) -> int:
        return len(self.batch)

    def part(self, places: Sequence[int]) -> "Computed":
        return Computed(self.batch.pick(places), [[column[n] for n in places] for column in self.columns])

    def arguments(self) -> list[str]:
        """The literals for the apply statement."""
        return [*map(packed, self.batch.parts), packed(self.batch.versions), *map(packed, self.columns)]


def written(
    columns: Sequence[Column], batch: Batch, places: list[int], values: list[tuple[Any, ...]], tally: Tally
) -> Computed:
    """Write the values of the records at these places of the batch; a record with one that no column may hold fails.

    A column is first written as a whole, which costs a fraction of looking at each value.
    """
    if not places:
        return Computed(batch.pick(()), [[] for _ in columns])
    by_column: list[Any] = [
        column.kind.quick(list(of_column)) if column.kind and column.kind.quick else None
        for column, of_column in zip(columns, zip(*values, strict=True), strict=True)
    ]
    refused = set()
    for number, column in enumerate(columns):
        if by_column[number] is not None:
            continue
        found: list[str | None] = []
        for place, record in zip(places, values, strict=True):
            try:
                found.append(_text(column, record[number]))
            except BaseException as error:  # whatever a value of the user's own class may raise
                found.append(None)
                refused.add(place)
                tally.failed.setdefault(batch.ids[place], _refusal(column, record[number], error))
        by_column[number] = found
    computed = Computed(batch.pick(places), by_column)
    if not refused:
        return computed
    return computed.part([n for n, place in enumerate(places) if place not in refused])


def _text(column: Column, value: Any) -> str | None:
    if value is None:
        if column.not_null:
            raise ValueError("the column is NOT NULL")
        return None
    assert column.kind is not None  # noqa: S101 - the catalog was asked before the job began
    return kinds.written(column.kind, value)


def _refusal(column: Column, value: object, error: BaseException) -> tuple[str, str]:
    shown = texts.clean(value, SHOWN)
    if isinstance(value, str):
        shown = f"'{shown}'"
    name, message = texts.why(error)
    return name, f"{column.name} is {shown} ({type(value).__name__}), the column is {column.full_type}: {message}"
