"""Markdown in which no text of somebody else's can pass for ours.

Their text stands in code spans alone, which hold neither markup, links, mentions nor HTML, and never in a table, whose
bars no two readers of Markdown take alike there.
"""

import re
from collections.abc import Iterable, Sequence

from backfill.texts import one_line

MOST: int = 500  # characters of a text
_TICKS = re.compile("`+")


def code(value: object, most: int = MOST) -> str:
    """Text of somebody else's, on one line; without any, a word of ours."""
    text = one_line(value, most)
    if not text.strip():
        return "(empty)"
    fence = "`" * (1 + max((len(ticks) for ticks in _TICKS.findall(text)), default=0))
    room = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{room}{text}{room}{fence}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table of words and numbers of ours."""
    return [_row(columns), _row(["---"] * len(columns)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
