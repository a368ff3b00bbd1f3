"""`python -m backfill.examples.prices`: the example's columns, and all of it at once on private services."""

from typing import Final

import click

from backfill import door
from backfill.console import reporting
from backfill.examples.database import database_option, execute
from backfill.examples.statements import read
from backfill.invocation import CallGroup

PRICES: Final = "backfill.examples.prices"
KILLMAILS: Final = "backfill.examples.killmails"


@click.group(cls=CallGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Prices of the killmail example from a service."""


@main.command()
@database_option
def schema(database_url: str | None) -> None:
    """Add what a price service tells to market_prices; safe to repeat."""
    with reporting():
        execute(database_url, read("prices/schema"), schema=f"python -m {KILLMAILS} schema")
        door.line("The table market_prices has the columns as_of, etag and fetched_at.")


@main.command()
@click.option("--killmails", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@click.option("--rate", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Calls in any second.")
def demo(killmails: int, rate: int) -> None:
    """Ask a service with a limit for the prices of made-up killmails, value them, and leave nothing behind."""
    from backfill.examples.demo import demo as demonstrated

    app = ("--app", KILLMAILS)
    with reporting(), demonstrated(PRICES, "market_prices", "killmail_values", extra="examples") as show:
        show.python("Tables and killmails", KILLMAILS, "schema")
        show.own("", "schema")
        show.python("", KILLMAILS, "generate", "--killmails", str(killmails))
        show.backfill("", "init")
        execute(show.database_url, read("prices/forget"))
        show.queue("Without prices", *app, "--dry-run")
        with show.service(rate) as service:
            show.queue("Prices", *service)
            show.work()
            show.queue("The same again: nothing has changed", *service, "-P", "maximum_age=PT0S")
            show.work()
        show.queue("Values", *app)
        show.work("", *app)
        show.python("", KILLMAILS, "verify")
