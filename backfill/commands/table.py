"""Rows of texts: a table for people, fields with tabs between them for pipes."""

import sys
from collections.abc import Sequence

import click

from backfill.console import is_terminal, shown


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows under their columns."""
    if not is_terminal():
        for line in (columns, *rows):
            click.echo(shown("\t".join(line), sys.stdout))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")  # what comes first can be copied
    for line in rows:
        table.add_row(*(Text(shown(field, sys.stdout)) for field in line))
    Console().print(table)
