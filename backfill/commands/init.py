"""`backfill init`: apply the ledger's schema."""

import asyncio

import click

from backfill.console import ledger, read_settings, reporting


@click.command()
def init() -> None:
    """Create or update the ledger's tables; safe to repeat."""
    with reporting():
        from backfill import schema

        settings = read_settings()

        async def work() -> None:
            async with ledger(settings, "init") as connection:
                applied = await schema.apply(connection)
            if applied:
                click.echo(f"Applied: {', '.join(applied)}")
            click.echo(f"The ledger has schema version {schema.NEWEST}.")

        asyncio.run(work())
