"""Databases that last as long as a test."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from backfill import database, schema, statements
from backfill.errors import UsageError
from backfill.shared import SharedConnection
from backfill.statements import quote


class Database:
    """One database. Each call has a connection of its own, so that nobody is connected in between."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __str__(self) -> str:
        return self.url

    @asynccontextmanager
    async def connect(self) -> "AsyncIterator[asyncpg.Connection[Any]]":
        """A connection for the block, for what needs several statements in one session."""
        async with database.connected(self.url, name="backfill-testing") as connection:
            yield connection

    async def execute(self, sql: str, *arguments: Any) -> str:
        """Run SQL; several statements where nothing is given for $1."""
        async with self.connect() as connection:
            return str(await connection.execute(sql, *arguments))

    async def fetch(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        """The rows of a query."""
        async with self.connect() as connection:
            return [dict(row) for row in await connection.fetch(sql, *arguments)]

    async def value(self, sql: str, *arguments: Any) -> Any:
        """The first column of its first row; None without one."""
        async with self.connect() as connection:
            return await connection.fetchval(sql, *arguments)

    @asynccontextmanager
    async def copied(self) -> AsyncIterator["Database"]:
        """A copy for the block; raises UsageError while somebody is connected to this one."""
        name = urlsplit(self.url).path.removeprefix("/")
        try:
            made = await create(self.url, name)
        except asyncpg.ObjectInUseError as error:
            raise UsageError(
                f"the database {name} cannot be copied while somebody is connected to it ({error.args[0]}); close the "
                "test's own connections first"
            ) from error
        try:
            yield made
        finally:
            await made.drop()

    async def drop(self) -> None:
        """Away with it."""
        name = urlsplit(self.url).path.removeprefix("/")
        async with database.connected(beside(self.url), name="backfill-testing") as connection:
            await connection.execute(statements.read("testing/drop_database").format(name=quote(name)))


async def create(server_url: str, template: str = "template1") -> Database:
    """A new database on that server; raises UsageError where the role may not create one."""
    name = f"backfill_test_{secrets.token_hex(6)}"
    async with database.connected(beside(server_url), name="backfill-testing") as connection:
        if SharedConnection.of(connection) is not None:  # whose sessions would stay in databases that are copied
            raise UsageError(
                "DATABASE_URL leads through a pooler, and tests make databases of their own; name the server itself, "
                "or unset it"
            )
        if not await connection.fetchval(statements.read("testing/may_create")):
            raise UsageError("the role of DATABASE_URL may not create databases; ALTER ROLE … CREATEDB, or unset it")
        names = {"name": quote(name), "template": quote(template)}
        await connection.execute(statements.read("testing/create_database").format(**names))
    return Database(with_name(server_url, name))


async def with_ledger(server_url: str) -> Database:
    """The same with the ledger in it."""
    made = await create(server_url)
    async with made.connect() as connection:
        await schema.apply(connection)
    return made


def beside(url: str) -> str:
    """A database that every server has, as one that is copied or dropped has nobody in it."""
    return with_name(url, "postgres")


def with_name(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
