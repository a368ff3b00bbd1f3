"""CSV: exact for programs, or such that a spreadsheet takes no cell for a formula."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from backfill import door

# A spreadsheet passes over quotes, blanks and what is not seen, and knows the signs in their full width too.
FORMULA: Final = re.compile(
    r"""["'`\s\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"""
)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, is_safe: bool) -> None:
    """Print the rows under their columns.

    Where it is to be safe every cell is quoted, as a spreadsheet may part cells at a semicolon.
    """
    if is_safe:
        door.table(columns, ([defused(cell) for cell in row] for row in rows), quoting=csv.QUOTE_ALL)
    else:
        door.table(columns, rows)


def defused(cell: Any) -> Any:
    """The cell, with a ' before what a spreadsheet would take for a formula; numbers are numbers."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell
