"""Databases of a PostgreSQL server: templates that are made once, and cheap copies of them."""

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.support.broker import with_path


class Maker:
    """Makes databases over one connection, which is half of what two connections for each would cost."""

    def __init__(self, server_url: str) -> None:
        self.server_url = server_url
        self._connection: asyncpg.Connection[Any] | None = None

    async def execute(self, statement: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.server_url, timeout=10)
        try:
            await self._connection.execute(statement)
        except BaseException:
            self.close()  # where the test's time was over it may be in the middle of an answer
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


@asynccontextmanager
async def new_database(server: str | Maker, *, template: str = "template1") -> AsyncIterator[str]:
    """The URL of a database that is dropped afterwards, whoever is still connected."""
    name = f"test_{secrets.token_hex(6)}"
    maker = Maker(server) if isinstance(server, str) else server
    try:
        # file_copy is the faster strategy for small templates: a checkpoint costs little without fsync
        await maker.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield with_path(maker.server_url, name)
        finally:
            await maker.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        if maker is not server:
            maker.close()


async def execute(url: str, *scripts: str) -> None:
    """Run SQL scripts on a connection of their own."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()


@asynccontextmanager
async def session(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection that is closed afterwards."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def apply_ledger(url: str, scripts: Iterable[str] = ()) -> None:
    """The ledger's schema, then example tables."""
    from backfill import schema

    connection = await asyncpg.connect(url, timeout=10)
    try:
        await schema.apply(connection)
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    """The rows of a query on a connection of its own."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def value(url: str, query: str) -> Any:
    """The one value of a query on a connection of its own."""
    return (await fetch(url, query))[0][0]
