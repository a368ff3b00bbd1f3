"""`backfill init`: apply the ledger's schema, and the roles that use it."""

import click

from backfill import application, door
from backfill.console import app_option, read_settings, reporting
from backfill.eventloop import run
from backfill.runner import ledger


@click.command()
@click.option("--roles", "with_roles", is_flag=True, help="Create the roles too, with the rights that each needs.")
@app_option
def init(with_roles: bool, app: str | None) -> None:
    """Create or update the ledger's tables; safe to repeat.

    With --roles, workers get the right to read the keys, targets and `reads` of the app's definitions and to write
    their columns, no more.
    """
    if app and not with_roles:
        raise click.UsageError("--app says for whose tables to grant rights; add --roles")
    with reporting():
        from backfill import roles, schema

        settings = read_settings(app=app)
        definitions = application.load(settings.app) if with_roles and settings.app else {}

        async def work() -> None:
            async with ledger(settings, "init") as connection:
                applied = await schema.apply(connection, settings.ledger_schema)
                if with_roles:
                    await roles.apply(connection, definitions.values())
                have_rights = applied and await roles.exist(connection)
            if applied:
                door.line(f"Applied: {', '.join(applied)}")
            door.line(f"The ledger has schema version {schema.NEWEST}.")
            if have_rights and not with_roles:
                door.line(
                    "The roles have no rights yet to what was added; run also: backfill init --roles --app=MODULE"
                )
            if with_roles:
                door.line(f"Roles may do their work{': ' if definitions else ''}{', '.join(definitions)}.")

        run(work())
