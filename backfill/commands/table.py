"""Rows of texts: a table for people, fields with tabs between them for pipes."""

import sys
from collections.abc import Sequence

import click

from backfill.console import is_terminal, shown


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows under their columns; a line for each field where a terminal is too narrow for a word of them."""
    if not is_terminal():
        for line in (columns, *rows):
            click.echo(shown("\t".join(line), sys.stdout))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    texts = [[shown(field, sys.stdout) for field in line] for line in rows]
    least = [max(map(_longest_word, column)) for column in zip(columns, *texts, strict=True)]
    if sum(least) + 3 * len(columns) + 1 > console.width:
        _print_fields(columns, texts)
        return
    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")  # what comes first can be copied
    for fields in texts:
        table.add_row(*map(Text, fields))
    console.print(table)


def _longest_word(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.split()), default=0)


def _print_fields(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    width = max(map(len, columns))
    for number, fields in enumerate(rows):
        if number:
            click.echo()
        for column, field in zip(columns, fields, strict=True):
            click.echo(f"{column:<{width}}  {field}".rstrip())
