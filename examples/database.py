"""The examples' own commands on their tables."""

from typing import Any

import asyncpg
import click

from backfill.console import read_settings
from backfill.database import connected
from backfill.errors import BackfillError, SchemaError
from backfill.eventloop import run

database_option = click.option(
    "--database-url", metavar="URL", help="PostgreSQL; private services when unset.  [env var: DATABASE_URL]"
)


def execute(database_url: str | None, script: str, *, schema: str = "") -> None:
    """Run a script; `schema` is the command that makes the tables which it needs."""

    async def work(connection: "asyncpg.Connection[Any]") -> list[asyncpg.Record]:
        await connection.execute(script)
        return []

    run(_done(database_url, work, schema))


def fetch(database_url: str | None, statement: str, *arguments: Any, schema: str = "") -> list[asyncpg.Record]:
    """The rows of a statement."""

    async def work(connection: "asyncpg.Connection[Any]") -> list[asyncpg.Record]:
        return await connection.fetch(statement, *arguments)

    return run(_done(database_url, work, schema))


async def _done(url: str | None, work: Any, schema: str) -> list[asyncpg.Record]:
    try:
        async with connected(read_settings(database_url=url).need_database(), name="example") as connection:
            found: list[asyncpg.Record] = await work(connection)
            return found
    except asyncpg.UndefinedTableError as error:
        raise SchemaError(f"{error}; run: {schema}" if schema else str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise BackfillError(f"PostgreSQL: {error}") from error
