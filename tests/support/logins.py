"""Other roles, and sessions as one of them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.support.world import World


def as_role(url: str, role: str, password: str, database: str | None = None) -> str:
    """The same server, and database unless another is named, as that role."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{where}", path=database or parts.path))


@dataclass(frozen=True)
class Logins:
    """URLs of login roles, each a member of one of ours, and of one that owns tables."""

    operator: str
    worker: str
    reader: str
    owner: str

    @property
    def each(self) -> tuple[str, ...]:
        return self.operator, self.worker, self.reader, self.owner

    def belong_to(self, *tenants: str) -> str:
        """The statement that lets each of them belong to these, whose roles are there."""
        given = ", ".join(f"backfill_tenant_{tenant}" for tenant in tenants)
        return f"GRANT {given} TO {', '.join(urlsplit(url).username or '' for url in self.each)}"


@asynccontextmanager
async def logged_in(world: World) -> AsyncIterator[Logins]:
    """The roles as `backfill init --roles` makes them for the definition `counter`, and one login for each."""
    # The application's trigger writes where no worker may.
    await world.execute("ALTER FUNCTION audit_value() SECURITY DEFINER")
    password, suffix = secrets.token_hex(12), secrets.token_hex(4)
    made = {name: f"test_{name}_{suffix}" for name in ("operator", "worker", "reader", "owner")}
    for name, role in made.items():
        await world.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}' IN ROLE backfill_{name}")
    yield Logins(**{name: as_role(world.database, role, password) for name, role in made.items()})
    for role in made.values():
        await world.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@asynccontextmanager
async def session(url: str, tenant: str | None = None) -> AsyncIterator["asyncpg.Connection[Any]"]:
    settings = {} if tenant is None else {"app.current_tenant": tenant}
    connection = await asyncpg.connect(url, timeout=10, server_settings=settings)
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def refused(connection: "asyncpg.Connection[Any]", statement: str) -> None:
    """The statement fails with SQLSTATE 42501."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
