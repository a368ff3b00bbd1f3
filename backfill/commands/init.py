"""`backfill init`: apply the ledger's schema, and the roles that use it."""

import re

import click

from backfill import application, door
from backfill.console import app_option, note, read_settings, reporting
from backfill.eventloop import run
from backfill.runner import ledger
from backfill.settings import A_TENANT
from backfill.statements import quote
from backfill.texts import MOST_OF_A_NAME, clean


@click.command()
@click.option("--roles", "with_roles", is_flag=True, help="Create the roles too, with the rights that each needs.")
@click.option(
    "--tenant",
    "tenants",
    metavar="NAME",
    multiple=True,
    callback=lambda _, __, names: [_checked(name) for name in names],
    help="Keep this tenant for the members of backfill_tenant_NAME, which is made too; may be repeated.",
)
@app_option
def init(with_roles: bool, tenants: list[str], app: str | None) -> None:
    """Create or update the ledger's tables; safe to repeat.

    With --roles, workers get the right to read the keys, targets and `reads` of the app's definitions and to write
    their columns, no more.
    """
    if app and not with_roles:
        raise click.UsageError("--app says for whose tables to grant rights; add --roles")
    if tenants and not with_roles:
        raise click.UsageError("--tenant makes a role; add --roles")
    with reporting():
        from backfill import roles, schema

        settings = read_settings(app=app)
        definitions = application.load(settings.app) if with_roles and settings.app else {}

        async def work() -> None:
            async with ledger(settings, "init") as connection:
                applied = await schema.apply(connection, settings.ledger_schema)
                if with_roles:
                    still_open = await roles.apply(connection, definitions.values(), tenants)
                have_rights = applied and await roles.exist(connection)
                hung = await schema.foreign_triggers(connection)
            if applied:
                door.line(f"Applied: {', '.join(applied)}")
            door.line(f"The ledger has schema version {schema.NEWEST}.")
            for sentence in hung:
                note(f"warning: {sentence}")
            if have_rights and not with_roles:
                door.line(
                    "The roles have no rights yet to what was added; run also: backfill init --roles --app=MODULE"
                )
            if with_roles:
                door.line(f"Roles may do their work{': ' if definitions else ''}{', '.join(definitions)}.")
            for tenant in tenants:
                door.line(f"Members of backfill_tenant_{tenant} belong to tenant {tenant}.")
                if tenant in still_open:
                    note(
                        "warning: so does every role that belongs to no tenant, until this one has a member: "
                        f"GRANT {quote(f'backfill_tenant_{tenant}')} TO its logins, then run this again"
                    )

        run(work())


def _checked(name: str) -> str:
    if re.search(A_TENANT, name) is None:
        raise click.BadParameter(f"{clean(name, MOST_OF_A_NAME)} is no name of a tenant; it has to match {A_TENANT}")
    return name
