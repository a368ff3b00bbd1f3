"""What the role of a session may do: refused in one line before a job is opened, or before anything is computed."""

from typing import Any

from backfill import statements
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.partition_backfill import PartitionBackfill


async def need_to_open(connection: Connection, definition: Definition, *, works: bool) -> None:
    """Refuse a role that may not open jobs; one that `works` on the job too must be allowed all of that as well."""
    row = await connection.fetchrow(statements.read("catalog/read_ledger_rights"))
    assert row is not None  # noqa: S101 - a row without FROM
    if not row["may_open"]:
        raise SchemaError(f"the role {row['role']!r} may not open jobs; {_give('backfill_operator')}")
    if not works:
        return
    if not row["may_work"]:
        raise SchemaError(
            f"the role {row['role']!r} may open jobs and not work on them, which `backfill run` does too; "
            f"{_give('backfill_worker')}, or leave the work to workers: backfill-queue"
        )
    await need_to_write(connection, definition)


async def need_to_write(connection: Connection, definition: Definition) -> None:
    """Refuse what this session's role may not write, before anything is computed or fetched for it."""
    if isinstance(definition, PartitionBackfill):
        await _need_writes(connection, definition)
    elif isinstance(definition, ColumnBackfill):
        await _need_columns(connection, definition)


async def _need_writes(connection: Connection, definition: PartitionBackfill) -> None:
    row = await connection.fetchrow(statements.read("catalog/read_unwritable_tables"), list(definition.writes))
    assert row is not None  # noqa: S101 - a row without FROM
    if row["tables"]:
        raise SchemaError(
            f"the role {row['role']!r} may not write {', '.join(row['tables'])}; run: backfill init --roles --app …, "
            "or GRANT it"
        )


async def _need_columns(connection: Connection, definition: ColumnBackfill) -> None:
    rights = await _rights(connection, definition.table, definition)
    if rights["columns"]:
        raise SchemaError(
            f"the role {rights['role']!r} may not update {', '.join(rights['columns'])} of {definition.table!r}; "
            f"{_grant(rights, definition, rights['columns'])}"
        )


async def worker_rights(connection: Connection, table: str, definition: ColumnBackfill) -> list[str]:
    """What to say where neither this session's role nor the one made for workers may write the columns."""
    rights = await _rights(connection, table, definition)
    lacking = rights["of_workers"] if rights["has_worker_role"] else rights["columns"]
    if not rights["columns"] or not lacking:
        return []
    who = "nor do workers with the role backfill_worker" if rights["has_worker_role"] else "as workers must"
    return [
        f"the role {rights['role']!r} has no right to update {', '.join(lacking)} of {definition.table}, {who}; "
        f"{_grant(rights, definition, lacking)}"
    ]


async def _rights(connection: Connection, table: str, definition: ColumnBackfill) -> Any:
    row = await connection.fetchrow(statements.read("catalog/read_unwritable"), table, list(definition.columns))
    assert row is not None  # noqa: S101 - a row without FROM
    return row


def _grant(rights: Any, definition: ColumnBackfill, columns: list[str]) -> str:
    grantee = "backfill_worker" if rights["has_worker_role"] else rights["role"]
    return (
        "run: backfill init --roles --app …, or: "
        f"GRANT UPDATE ({', '.join(columns)}) ON {definition.table} TO {grantee}"
    )


def _give(role: str) -> str:
    return f"give it a role that has {role} (backfill init --roles)"
