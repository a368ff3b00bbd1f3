"""`backfill init`: apply the ledger's schema."""

import asyncio

import click

from backfill.console import need_database, read_settings, reporting


@click.command()
def init() -> None:
    """Create or update the ledger's tables; safe to repeat."""
    with reporting():
        from backfill import database, schema

        url = need_database(read_settings())

        async def work() -> None:
            async with database.connected(url, name="backfill-init") as connection:
                applied = await schema.apply(connection)
            if applied:
                click.echo(f"Applied: {', '.join(applied)}")
            click.echo(f"The ledger has schema version {schema.NEWEST}.")

        asyncio.run(work())
