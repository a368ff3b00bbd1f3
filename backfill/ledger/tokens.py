"""Tokens of the HTTP API: made, listed, revoked, and looked at by the server.

The token is 32 bytes of the system's randomness and is shown once. What is kept is its SHA-256: a slow hash such as
scrypt makes guessing words dear, and nobody guesses one of 2^256.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from backfill import sessions, statements
from backfill.database import Connection
from backfill.errors import ConflictError, NotFoundError, UsageError
from backfill.ledger import events
from backfill.ledger.jobs import Row
from backfill.texts import MOST_OF_A_NAME, clean

PREFIX: Final = "backfill_"  # whoever finds one in a repository knows what it is
A_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,39}"
MOST: Final = 1_000  # in force at once: the server has them all in its memory


@dataclass(frozen=True)
class Token:
    """One that lets somebody in."""

    id: UUID
    name: str
    role: str  # read or operate
    hash: bytes


@dataclass(frozen=True)
class Live:
    """Those in force, and whether there has ever been one: then nobody is let in without."""

    tokens: tuple[Token, ...]
    has_been_one: bool


def hashed(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


async def create(
    connection: Connection, name: str, role: str, *, actor: str, seconds: float | None = None
) -> tuple[Row, str]:
    """A new token's row, and itself, which is nowhere else; raises UsageError, or ConflictError for a name in use."""
    if not re.fullmatch(A_NAME, name):
        raise UsageError(
            f"a token cannot be named {clean(name, 100)!r}: give 1 to 40 of a-z, 0-9, - . and _, beginning with a "
            "letter or a digit"
        )
    token = PREFIX + secrets.token_urlsafe(32)
    by = clean(actor, MOST_OF_A_NAME)
    try:
        async with sessions.brief(connection):
            await events.act(connection, actor)
            if await connection.fetchval(statements.read("ledger/tokens/count_live")) >= MOST:
                raise ConflictError(f"there are {MOST:,} tokens in force; revoke some: backfill token revoke NAME")
            row: Row | None = await connection.fetchrow(
                statements.read("ledger/tokens/create"), name, role, hashed(token), by, seconds
            )
            await events.remember(connection, None, "token.created", {"name": name, "role": role})
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(
            f"there is a token {name} in force; revoke it first (backfill token revoke {name}), or choose another name"
        ) from error
    assert row is not None  # noqa: S101 - INSERT … RETURNING gives one
    return row, token


async def revoke(connection: Connection, name: str, *, actor: str) -> None:
    """Let the token of that name be good for nothing from now on; raises NotFoundError."""
    async with sessions.brief(connection):
        await events.act(connection, actor)
        by = clean(actor, MOST_OF_A_NAME)
        row = await connection.fetchrow(statements.read("ledger/tokens/revoke"), name, by)
        if row is None:
            raise NotFoundError(f"no token {clean(name, 100)!r} in force; see: backfill token list")
        await events.remember(connection, None, "token.revoked", {"name": name, "role": row["role"]})


async def listed(connection: Connection, most: int) -> list[dict[str, Any]]:
    """The tokens, those in force first."""
    return [dict(row) for row in await connection.fetch(statements.read("ledger/tokens/listed"), most)]


async def live(connection: Connection) -> Live:
    """The tokens that let somebody in now."""
    rows = await connection.fetch(statements.read("ledger/tokens/live"))
    return Live(tuple(Token(**row) for row in rows if row["id"] is not None), bool(rows))


async def touch(connection: Connection, tokens: Iterable[UUID]) -> None:
    """Remember that these were used just now."""
    await connection.execute(statements.read("ledger/tokens/touch"), list(tokens))
