"""Which database a source means, and a look into it: one moment of it, read only, and never for long."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backfill import addresses, private
from backfill.errors import BackfillError, UnreachableError, UsageError
from backfill.monitor.surroundings import Surroundings

if TYPE_CHECKING:
    from backfill.database import Connection

OWN: Final = "DATABASE_URL"  # unless it is set, the private services', or a demo's
DEMO: Final = "DEMO_DATABASE_URL"  # unless it is set, that of a demo that runs in this folder


async def url(name: str, where: Surroundings) -> str:
    """The URL of that variable; raises UsageError where it is not set and nothing stands for it."""
    if found := where.environ.get(name) or await asyncio.to_thread(_running, name, where):
        return addresses.with_options(
            found,
            pooled=where.environ.get("BACKFILL_POOLED", "").lower() in ("1", "true", "yes", "on"),
            ledger_schema=where.environ.get("BACKFILL_SCHEMA", "") if name == OWN else "",
        )
    if name == DEMO:
        raise UsageError("no demo runs in this folder; start one with: make demo")
    more = ", or start private services with: backfill services up" if name == OWN else ""
    raise UsageError(f"{name} is not set; set it to a URL such as {addresses.SHAPE}{more}")


@asynccontextmanager
async def looked_into(where: Surroundings, name: str, **settings: str) -> "AsyncIterator[Connection]":
    """One transaction that only reads, and whose statements see the same moment, under settings of the server.

    Raises BackfillError for whatever a person can put right.
    """
    from backfill import sessions

    async with (
        _named(name),
        where.connect(await url(name, where)) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await sessions.put(connection, settings)
        yield connection


def milliseconds(seconds: float) -> str:
    """A time limit as PostgreSQL takes it, which is never 0: that would be none."""
    return str(max(1, round(seconds * 1000)))


@asynccontextmanager
async def _named(name: str) -> AsyncIterator[None]:
    """What speaks of DATABASE_URL means the variable that the source names."""
    import asyncpg

    from backfill.database_errors import said

    try:
        yield
    except BackfillError as error:
        if name == OWN:
            raise
        raise type(error)(str(error).replace(OWN, name)) from error
    except UnicodeError as error:
        raise UsageError(f"{name} names a host that there cannot be ({said(error)}); correct it") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:  # no lock in time, for one
        raise UnreachableError(f"the database of {name}: {said(error)}; look again later") from error


def _running(name: str, where: Surroundings) -> str | None:
    home = where.folder / where.environ.get("BACKFILL_HOME", ".backfill")
    if name == OWN and (found := private.answering(home / "services").get("database_url")):
        return found
    if name not in (OWN, DEMO):
        return None
    for folder in _newest_first(home):
        try:
            urls: Mapping[str, str] = private.answering(folder)
        except UsageError:  # another user's, or one that is being made
            continue
        if "database_url" in urls:
            return urls["database_url"]
    return None


def _newest_first(home: Path) -> list[Path]:
    """The folders of demos: one that was killed has left its own."""
    found = []
    for file in home.glob(f"demo-*/{private.FILE}"):
        try:
            found.append((file.stat().st_mtime, file.parent))
        except OSError:  # it ended a moment ago
            continue
    return [folder for _, folder in sorted(found, reverse=True)]
