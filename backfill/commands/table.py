"""Rows of texts: a table for people, fields with tabs between them for pipes."""

from collections.abc import Sequence

from backfill import door, drawing
from backfill.console import is_terminal
from backfill.texts import one_line


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows under their columns; a line for each field where a terminal is too narrow for a word of them."""
    if not is_terminal():
        for one in (columns, *rows):
            door.line(*one)
        return
    texts = [[one_line(field, door.MOST) for field in one] for one in rows]
    least = [max(map(_longest_word, column)) for column in zip(columns, *texts, strict=True)]
    if sum(least) + 3 * len(columns) + 1 > drawing.width():
        _print_fields(columns, texts)
    else:
        drawing.show(drawing.table(columns, texts))


def _longest_word(text: str) -> int:
    return max(map(drawing.cells, text.split()), default=0)


def _print_fields(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(map(len, columns))
    for number, fields in enumerate(rows):
        if number:
            door.line()
        for column, field in zip(columns, fields, strict=True):
            door.line(f"{column:<{width}}  {field}".rstrip())
