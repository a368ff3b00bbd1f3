"""`python -m backfill.examples.generation`: the example's tables, and all of it at once on private services."""

from typing import Final

import click

from backfill import door
from backfill.console import reporting
from backfill.errors import ConflictError
from backfill.examples.database import database_option, execute, fetch
from backfill.examples.statements import read
from backfill.invocation import CallGroup

GENERATION: Final = "backfill.examples.generation"


@click.group(cls=CallGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """What the units of a power company have generated, from a service."""


@main.command()
@database_option
def schema(database_url: str | None) -> None:
    """Create the tables; safe to repeat."""
    with reporting():
        execute(database_url, read("generation/schema"))
        door.line("The tables units and generation are there.")


@main.command()
@click.option("--units", type=click.IntRange(1, 9_999), default=40, show_default=True, help="How many.")
@database_option
def generate(units: int, database_url: str | None) -> None:
    """Make units up; those that are there already stay."""
    with reporting():
        fetch(database_url, read("generation/made_up"), units, schema=f"python -m {GENERATION} schema")
        door.line(f"{units:,} units, unit-0001 to unit-{units:04}")


@main.command()
@click.option("--units", type=click.IntRange(2, 9_999), default=10, show_default=True, help="How many.")
@click.option("--rate", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Calls in any second.")
def demo(units: int, rate: int) -> None:
    """Fetch months of made-up units, as jobs at once and as one a month, and leave nothing behind."""
    from backfill.examples.demo import demo as demonstrated

    with reporting(), demonstrated(GENERATION, "monthly_generation", extra="examples") as show:
        show.own("Tables and units", "schema")
        show.own("", "generate", "--units", str(units))
        show.backfill("", "init")
        with show.service(rate) as service:
            show.queue("Months of all units, and urgent ones of a single unit", *service, *months("2023-10", "2023-12"))
            one = ("-P", "unit=unit-0002", "--priority=high")
            show.queue("", *service, *months("2024-01", "2024-02"), *one)
            again = (*months("2023-12", "2024-01"), "-P", "unit=unit-0001")
            show.queue(
                "What has a unit and a month in common with one of them is refused",
                *service,
                *again,
                code=ConflictError.exit_code,
            )
            show.work("One worker for both")
            show.backfill("What the second came to", "status", "latest")
            march = (*service, *months("2024-03", "2024-03"), "--idempotency-key=generation-2024-03")
            show.queue("A month as cron asks for it, and asks again", *march)
            show.queue("", *march)
            show.work()
            show.queue("", *march)


def months(first: str, last: str) -> tuple[str, ...]:
    """The parameters for these months."""
    return "-P", f"from_month={first}", "-P", f"to_month={last}"
