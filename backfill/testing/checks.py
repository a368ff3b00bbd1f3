"""`backfill check` for a test."""

from typing import Any

from backfill import database as databases
from backfill import settings as settings_module
from backfill.api import checking
from backfill.api.findings import Checked
from backfill.console import read_settings
from backfill.definition import Definition
from backfill.modes import Mode
from backfill.testing import definitions
from backfill.testing.databases import Database


async def checked(
    definition: Definition | type[Definition],
    database: Database | str | None = None,
    *,
    mode: str | None = None,
    sample: int | None = None,
    **parameters: Any,
) -> Checked:
    """Hold it against a database, or the one of DATABASE_URL, and try a sample; nothing of it is kept."""
    made = definitions.made(definition, parameters)
    settings = read_settings() if database is None else settings_module.read(database_url=str(database))
    async with databases.connected(settings.need_database(), name="backfill-check", tenant=settings.tenant) as session:
        return await checking.check(settings, session, made, mode=Mode(mode) if mode else None, sample=sample)
