"""Apply `sql/schema/` to a database: under a lock, safe twice, and so that programs can be upgraded one by one.

A numbered file whose head says `-- oldest program: N` only adds to the ledger: programs that know the files up to N go
on with it. After one that does not say so, programs must know it. What is in `sql/functions/` is replaced where it is
another one, by programs that know the whole ledger.
"""

import re
from typing import Final

import asyncpg

from backfill import sessions, statements
from backfill.database import Connection
from backfill.errors import SchemaError
from backfill.statements import quote

VERSIONS: Final = sorted(int(path.name[:3]) for path in (statements.FOLDER / "schema").glob("[0-9]*.sql"))
NEWEST: Final = VERSIONS[-1]
OLDEST_PROGRAM: Final = re.compile(r"^-- oldest program: (\d+)$", re.MULTILINE)


async def apply(connection: Connection, room: str = "") -> list[str]:
    """Bring the ledger up to date in one transaction and return the names of what was applied.

    A new one is made in the schema `room`, or in the first of the search path.
    """
    async with connection.transaction(isolation="read_committed"):
        # Two `backfill init` at once: the second waits and then finds nothing to do.
        await connection.execute(statements.read("schema/lock"))
        await _enter(connection, room)
        await connection.execute(statements.read("schema/versions"))
        present = await version(connection)
        await _refuse_newer(connection, present)
        if present < NEWEST:
            await connection.execute(statements.read("schema/say_oldest_program"))
        applied = []
        for path in sorted((statements.FOLDER / "schema").glob("[0-9]*.sql")):
            if int(path.name[:3]) > present:
                text = path.read_text()
                await connection.execute(text)
                oldest = OLDEST_PROGRAM.search(text)
                await connection.execute(
                    statements.read("schema/record"), int(path.name[:3]), int(oldest[1]) if oldest else None
                )
                applied.append(re.sub(r"^\d+_", "", path.stem))
        if present <= NEWEST:  # else a newer program's functions are there
            applied += await _replace_functions(connection)
        await sessions.put(connection, {"backfill.own": " ".join(_own())})
        await connection.execute(statements.read("schema/hand_over"))
        await connection.execute(statements.read("schema/pin"))
        return applied


def _own() -> list[str]:
    """What the files make. Whoever owns the ledger may have more beside it under such names, of his own."""
    files = [path for folder in ("schema", "functions") for path in (statements.FOLDER / folder).glob("*.sql")]
    made = re.compile(r"(?:TABLE|FUNCTION|SEQUENCE) (?:IF NOT EXISTS )?(backfill_\w+)")
    return sorted({name for path in files for name in made.findall(path.read_text())})


async def foreign_triggers(connection: Connection) -> list[str]:
    """What other people have hung on the ledger's tables, a sentence for each."""
    return [
        f"trigger {row['name']} on {row['table']} calls {row['function']} of {row['owner']} with the rights of whoever "
        "writes there; drop it unless it is yours"
        for row in await connection.fetch(statements.read("schema/foreign_triggers"), _own())
    ]


async def _replace_functions(connection: Connection) -> list[str]:
    """Make the functions of `sql/functions/` what this program needs; those that are so already need no owner."""
    replaced = []
    for path in sorted((statements.FOLDER / "functions").glob("*.sql")):
        text = path.read_text()
        _, source, _ = text.split("$$")
        if await connection.fetchval(statements.read("schema/read_function"), f"backfill_{path.stem}") != source:
            await connection.execute(text)
            replaced.append(path.stem)
    return replaced


async def check(connection: Connection) -> None:
    """Refuse a ledger that is missing, older, or too new for this program; raises SchemaError with what to do."""
    ledger = await _find(connection)
    if ledger["found"] is None and ledger["all_found"]:
        schemas = " and ".join(ledger["all_found"])
        raise SchemaError(
            f"the ledger is in schema {schemas}, which the role of DATABASE_URL may not use; GRANT USAGE ON SCHEMA"
        )
    if ledger["found"] is None:
        raise SchemaError("the ledger is missing in this database; run: backfill init")
    present = await version(connection)
    await _refuse_newer(connection, present)
    if present < NEWEST:
        raise SchemaError(f"the ledger has schema version {present}, this program needs {NEWEST}; run: backfill init")
    if await connection.fetchval(statements.read("schema/bypasses_policies")):
        raise SchemaError(
            "the role of DATABASE_URL bypasses row-level security, so that BACKFILL_TENANT keeps nothing apart; "
            "use a role that is no superuser: backfill init --roles makes some"
        )
    await _need_tenant(connection)
    if (shadow := await connection.fetchrow(statements.read("schema/shadows"))) is not None:
        raise SchemaError(
            f"{shadow['what']} of role {shadow['owner']} stands in the way of PostgreSQL's or the ledger's own; "
            f"drop it, and: REVOKE CREATE ON SCHEMA {shadow['place']} FROM PUBLIC, {quote(shadow['owner'])}"
        )


async def _need_tenant(connection: Connection) -> None:
    row: asyncpg.Record | None = await connection.fetchrow(statements.read("schema/belongs"))
    assert row is not None  # noqa: S101 - there is always one
    if not row["belongs"]:
        raise SchemaError(
            f"{row['login']} does not belong to the tenant that BACKFILL_TENANT names, only to "
            f"{', '.join(row['tenants']) or 'none'}; name one of these, or let it belong: "
            "backfill init --roles --tenant NAME makes a role to grant to it"
        )


async def _find(connection: Connection) -> asyncpg.Record:
    row: asyncpg.Record | None = await connection.fetchrow(statements.read("schema/exists"))
    assert row is not None  # noqa: S101 - it has no FROM
    return row


async def _enter(connection: Connection, room: str) -> None:
    """Let everything be created beside what is there, or in the schema `room`, which is made."""
    room = (await _find(connection))["found"] or room
    if room and not await connection.fetchval(statements.read("schema/has_room"), room):
        await connection.execute(f"CREATE SCHEMA {quote(room)}")
    await connection.execute(statements.read("schema/enter"), room)


async def version(connection: Connection) -> int:
    found: int = await connection.fetchval(statements.read("schema/read_version"))
    return found


async def _refuse_newer(connection: Connection, present: int) -> None:
    if present <= NEWEST or await connection.fetchval(statements.read("schema/read_oldest_program")) <= NEWEST:
        return
    raise SchemaError(
        f"the ledger has schema version {present}, this program knows {NEWEST}: it is too old; upgrade it"
    )
