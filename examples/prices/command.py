"""`python -m backfill.examples.prices`: the example's columns, and all of it at once on private services."""

import sys
from typing import Any, Final

import asyncpg
import click

from backfill import runner
from backfill.console import read_settings, reporting
from backfill.database import connected
from backfill.errors import SchemaError
from backfill.examples.statements import read

PRICES: Final = "backfill.examples.prices"
KILLMAILS: Final = "backfill.examples.killmails"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prices of the killmail example from a service."""


@main.command()
@click.option("--database-url", metavar="URL", help="PostgreSQL; private services when unset.  [env var: DATABASE_URL]")
def schema(database_url: str | None) -> None:
    """Add what a price service tells to market_prices; safe to repeat."""
    with reporting():
        runner.run(_execute(read_settings(database_url=database_url).need_database(), read("prices/schema")))
        click.echo("The table market_prices has the columns as_of, etag and fetched_at.")


@main.command()
@click.option("--killmails", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@click.option("--rate", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Calls in any second.")
def demo(killmails: int, rate: int) -> None:
    """Ask a service with a limit for the prices of made-up killmails, value them, and leave nothing behind."""
    from backfill.commands.stage import stage
    from backfill.commands.steps import Steps, script

    queue, worker = script("backfill-queue"), (script("backfill-worker"), "--burst", "--app")
    with reporting(), stage(PRICES, "market_prices", "killmail_values") as environment:
        run, python = Steps(environment), (sys.executable, "-m")
        run("Tables and killmails", *python, KILLMAILS, "schema")
        run("", *python, PRICES, "schema")
        run("", *python, KILLMAILS, "generate", "--killmails", str(killmails))
        run("", script("backfill"), "init")
        runner.run(_execute(environment["DATABASE_URL"], read("prices/forget")))
        run("Without prices", queue, "--app", KILLMAILS, "--dry-run")
        with run.beside("A service with a limit", *python, "backfill.examples.service", "--rate", str(rate)) as url:
            asked = (queue, "--app", PRICES, "-P", f"url={url}", "-P", f"rate={rate}")
            run("Prices", *asked)
            run("", *worker, PRICES)
            run("The same again: nothing has changed", *asked, "-P", "maximum_age=PT0S")
            run("", *worker, PRICES)
            click.echo(f"\n== What the service has seen\n  {_seen(url)}")
        run("Values", queue, "--app", KILLMAILS)
        run("", *worker, KILLMAILS)
        run("", *python, KILLMAILS, "verify")


async def _execute(url: str, statement: str) -> None:
    async with connected(url, name="prices") as connection:
        try:
            await connection.execute(statement)
        except asyncpg.UndefinedTableError as error:
            raise SchemaError(f"{error}; run: python -m {KILLMAILS} schema") from error


def _seen(url: str) -> str:
    import httpx

    seen: dict[str, Any] = httpx.get(f"{url}/counts").json()
    return f"{seen['calls']:,} calls, at most {seen['worst_second']:,} in a second, {seen['refused']:,} refused"
