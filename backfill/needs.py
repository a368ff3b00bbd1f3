"""What a definition needs of its table's key, indexes and policies: refused in one line when a job opens."""

from typing import Any, Final

from backfill import sessions, statements
from backfill.column_backfill import ColumnBackfill
from backfill.columns import Column
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.keys import Key
from backfill.partition_backfill import PartitionBackfill

# What the text of these means depends on the session: on lc_monetary, or on the search path.
UNSTEADY: Final = (
    *("money", "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator"),
    *("regproc", "regprocedure", "regrole", "regtype"),
)
WITHOUT_INPUT: Final = ("pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list")


def need_usable_key(key: Key, definition: ColumnBackfill) -> None:
    for column in key.columns:
        if why := why_no_key(column):
            raise SchemaError(
                f"the key {column.name!r} of {definition.table!r} is {column.full_type}, {why}; "
                "use another unique column"
            )


async def need_index(connection: Connection, oid: int, key: Key, definition: ColumnBackfill) -> None:
    indexes = await connection.fetch(statements.read("catalog/read_unique_indexes"), oid)
    for index in indexes:
        if index["is_in_order"] and index["columns"] == key.names:
            if not index["has_operators"]:
                raise SchemaError(
                    f"the key {key.title} of {definition.table!r} is "
                    f"{', '.join(column.full_type for column in key.columns)}, which PostgreSQL does not order "
                    "with the operators < and >; use another unique column"
                )
            return
    for index in indexes:
        if sorted(index["columns"]) == sorted(key.names):
            how = "mixes directions, or has operators or a collation of its own"
            if index["columns"] != key.names:
                how = f"is on ({', '.join(index['columns'])}): name the key's columns in this order"
            raise SchemaError(
                f"the unique index {index['index_name']} of {definition.table!r} does not read in the order of the key "
                f"{key.title}: it {how}"
            )
    raise SchemaError(
        f"no unique index on the key {key.title} of {definition.table!r}: paging would scan the table again "
        f"and again; run: CREATE UNIQUE INDEX CONCURRENTLY ON {definition.table} ({', '.join(key.names)})"
    )


async def need_tables(connection: Connection, definition: PartitionBackfill) -> None:
    """Refuse a definition that writes to a table that is not there, or of which row-level security hides rows."""
    for name in definition.writes:
        table = await connection.fetchrow(statements.read("catalog/read_table"), name)
        if table is None or table["kind"] not in ("r", "p"):
            what = "does not exist; create it" if table is None else "is no table; name what is written to"
            raise SchemaError(f"{name!r} in writes of {type(definition).__name__} {what}, or correct the definition")
        need_sight(definition, name, table)


def need_sight(definition: Definition, name: str, table: Any) -> None:
    """Refuse a table of which row-level security would hide rows, and settings of another tenant."""
    if table["is_filtered"]:
        need_settings(definition, name, table["policies"] or [])
    wanted = definition.settings.get(sessions.TENANT, table["tenant"])
    if wanted != table["tenant"]:
        raise SchemaError(
            f"{type(definition).__name__}.settings asks for {sessions.TENANT} = {wanted!r}, but this process is of "
            f"tenant {table['tenant']!r}; run it with BACKFILL_TENANT={wanted}"
        )


def need_settings(definition: Definition, name: str, policies: list[str]) -> None:
    """Row-level security hides rows from this role: never silently."""
    if definition.settings:
        return
    named = f"policy {', '.join(policies)}" if policies else "no policy, which hides every row,"
    raise SchemaError(
        f"row-level security of {name!r} ({named}) filters what the role of DATABASE_URL sees; use a role with "
        f"BYPASSRLS, or name in {type(definition).__name__}.settings what the policy reads"
    )


def why_no_key(column: Column) -> str:
    """Why a column cannot be a key; empty when it can."""
    if column.kind_name in UNSTEADY:
        return "whose text depends on the session"
    if column.kind_name in WITHOUT_INPUT:
        return "which PostgreSQL cannot read from its text"
    if column.kind_name.endswith("[]"):
        return "and there are no arrays of arrays to look many of them up at once"
    if column.is_composite:
        return "and an array of composites falls apart into their columns; name columns of the table as the key"
    return ""
