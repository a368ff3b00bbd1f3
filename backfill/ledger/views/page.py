"""A page of a list, and where the next one begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from backfill.errors import UsageError
from backfill.ledger.views import cursor

MOST: Final = 1_000  # items of a page

Item = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some items of a list in its order; what was in the list when the first page was read comes exactly once."""

    items: list[Item]
    next_cursor: str | None  # None: this is the last page


def asked(limit: int) -> int:
    """How many rows to read for a page of so many; one more tells whether there is another page."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"a page has 1 to {MOST:,} items, and {limit:,} were asked for")
    return limit + 1


def made(
    name: str,
    rows: Sequence[asyncpg.Record],
    limit: int,
    *,
    place: tuple[str, ...],
    item: Callable[[asyncpg.Record], Item] = dict,
) -> Page:
    """The page of these rows, one of which may be too many; a row's place is in the columns of these names."""
    shown = rows[:limit]
    behind = cursor.encode(name, *(shown[-1][column] for column in place)) if len(rows) > limit else None
    return Page([item(row) for row in shown], behind)
