"""`backfill new`: write a first definition for a table, and its test."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backfill import door
from backfill.console import note, read_settings, reporting
from backfill.errors import BackfillError, UsageError
from backfill.eventloop import run
from backfill.runner import ledger

if TYPE_CHECKING:
    from backfill.drafting import Draft
    from backfill.settings import Settings


@click.command(
    epilog="""\b
Examples:
  backfill new bylines --table pages --column byline
  backfill new totals --table 'sales."Order"' --column total --key order_id --key line_no
  backfill new months --table months --partition"""
)
@click.argument("name")
@click.option("--table", required=True, help="The table, as SQL has it: with its schema, and quoted, where need be.")
@click.option("--column", "columns", multiple=True, metavar="COLUMN", help="The column to fill; repeatable.")
@click.option(
    "--key", "key", multiple=True, metavar="COLUMN", help="A unique column; repeatable.  [default: the primary key]"
)
@click.option("--partition", is_flag=True, help="Work that is no column: a PartitionBackfill that writes to the table.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    show_default=".",
    help="Where to write the files.",
)
def new(name: str, table: str, columns: tuple[str, ...], key: tuple[str, ...], partition: bool, folder: Path) -> None:
    """Write NAME.py, a definition for a table of the database, and test_NAME.py; never over a file that is there.

    It loads what the table has and leaves each record alone, with a reason, until its function is written.
    """
    with reporting():
        if partition and (columns or key):
            raise UsageError("--partition takes neither --column nor --key: its keys are its own")
        if not partition and not columns:
            raise UsageError("name the column to fill with --column, or give --partition")
        from backfill import drafting

        drafting.need_name(name)
        for file in (f"{name}.py", f"test_{name}.py"):
            if (folder / file).exists():
                raise UsageError(f"{folder / file} is there already; choose another NAME or --dir")
        draft = run(_drafted(read_settings(), name, table, columns, key, partition))
        _write(draft, folder)
    _next(draft, name, folder)


async def _drafted(
    settings: "Settings", name: str, table: str, columns: tuple[str, ...], key: tuple[str, ...], partition: bool
) -> "Draft":
    from backfill import drafting

    async with ledger(settings, "new") as connection:
        if partition:
            return await drafting.of_keys(connection, name, table)
        return await drafting.of_columns(connection, name, table, columns, key)


def _write(draft: "Draft", folder: Path) -> None:
    for file, text in draft.files.items():
        try:
            with (folder / file).open("x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            raise UsageError(f"{folder / file} is there already; choose another NAME or --dir") from None
        except OSError as error:
            raise BackfillError(f"cannot write {folder / file}: {error.strerror}") from None
        note(f"wrote {folder / file}")


def _next(draft: "Draft", name: str, folder: Path) -> None:
    where = "" if folder == Path() else f"in {folder}, "
    door.line(f"Next, {where}write the function in {name}.py; then:")
    lines = {
        f"export BACKFILL_APP={draft.app}": "",
        f"backfill check {name}": "what is right, and a sample that is rolled back",
        f"pytest test_{name}.py": "the same, as a test",
        "backfill init": "the ledger, once for each database",
        f"backfill run {name} --limit 100": "a slice",
    }
    width = max(map(len, lines))
    for line, what in lines.items():
        door.line(f"  {line:<{width}}  # {what}" if what else f"  {line}")
