"""`python -m backfill.examples.killmails`: the example's tables, prices and killmails."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import click

from backfill import database, door
from backfill.console import note, read_settings, reporting
from backfill.errors import BackfillError, SchemaError, UsageError
from backfill.examples.killmails import load as killmail_files
from backfill.examples.killmails import prices as price_files
from backfill.examples.killmails import statements
from backfill.examples.killmails.generate import generate as insert_made_up
from backfill.examples.killmails.reading import FileError, Report
from backfill.invocation import CallGroup

Work = Callable[["asyncpg.Connection[Any]"], Coroutine[Any, Any, None]]

database_option = click.option(
    "--database-url", metavar="URL", help="PostgreSQL; private services when unset.  [env var: DATABASE_URL]"
)


@click.group(
    cls=CallGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  python -m backfill.examples.killmails schema
  python -m backfill.examples.killmails prices market_prices.csv
  python -m backfill.examples.killmails load killmails.jsonl.gz
  python -m backfill.examples.killmails generate --killmails 100000""",
)
def main() -> None:
    """Make the example's tables and fill them with real or made-up killmails."""


@main.command()
@database_option
def verify(database_url: str | None) -> None:
    """Hold the values against an independent SQL computation; exit 1 when one differs."""

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        row = await connection.fetchrow(statements.read("verdict").replace("{expected}", statements.read("expected")))
        assert row is not None  # noqa: S101 - an aggregate always makes one row
        door.line(
            f"Verdict: {row['total']:,} killmails | {row['with_values']:,} with values | {row['missing']:,} missing "
            f"({row['without_victim']:,} of them without a victim) | "
            f"{row['different']:,} differ from an independent SQL computation"
        )
        if row["different"]:
            sys.exit(1)

    _run(database_url, work)


@main.command()
@database_option
def schema(database_url: str | None) -> None:
    """Create the tables; safe to repeat."""

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        await connection.execute(statements.read("schema"))
        door.line("The tables killmails, victims, killmail_items and market_prices are there.")

    _run(database_url, work)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@database_option
def prices(file: Path, database_url: str | None) -> None:
    """Load prices from a CSV file with the columns type_id and sell, plain or gzip."""

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        found = await price_files.load(connection, file, _report(file))
        door.line(f"{file}: {found.prices:,} prices, {found.changed:,} new or changed; {found.bad:,} bad lines")

    _run(database_url, work)


@main.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@database_option
def load(files: tuple[Path, ...], database_url: str | None) -> None:
    """Load killmails from JSON lines, plain or gzip; those that are already there stay as they are."""

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        exit_code = 0
        for file in files:
            try:
                found = await killmail_files.load(connection, file, _report(file))
            except (FileError, UsageError) as error:  # the other files may be good
                note(f"error: {error}")
                exit_code = exit_code or error.exit_code
                continue
            door.line(
                f"{file}: {found.killmails:,} killmails with {found.items:,} items loaded, "
                f"{found.already_there:,} already there; {found.bad:,} bad lines"
            )
        sys.exit(exit_code)

    _run(database_url, work)


@main.command()
@click.option("--killmails", type=click.IntRange(min=1), required=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same killmails.")
@click.option(
    "--first-id", type=click.IntRange(1, 2**62), default=1, show_default=True, help="The first killmail's id."
)
@database_option
def generate(killmails: int, seed: int, first_id: int, database_url: str | None) -> None:
    """Make killmails up, with the shape of real ones, and prices where there are none."""

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        await connection.execute(statements.read("schema"))
        await insert_made_up(connection, killmails, seed=seed, first_id=first_id)
        door.line(f"{killmails:,} killmails, ids {first_id} to {first_id + killmails - 1}")

    _run(database_url, work)


def _report(file: Path) -> Report:
    return lambda number, why: note(f"{file}:{number}: {why}")


def _run(database_url: str | None, work: Work) -> None:
    with reporting():
        url = read_settings(database_url=database_url).need_database()
        asyncio.run(_connected(url, work))


async def _connected(url: str, work: Work) -> None:
    try:
        async with database.connected(url, name="killmails") as connection:
            try:
                await work(connection)
            except asyncpg.UndefinedTableError as error:
                raise SchemaError(f"{error}; run: python -m backfill.examples.killmails schema") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise BackfillError(f"PostgreSQL: {error}") from error
