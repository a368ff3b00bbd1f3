"""A definition's queries as PostgreSQL reads them, before a job is opened over them; nothing is run."""

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from backfill import condition
from backfill.catalog import Target
from backfill.column_backfill import ColumnBackfill
from backfill.errors import SchemaError
from backfill.texts import counted, one_line

if TYPE_CHECKING:
    from typing import Any

    from asyncpg.prepared_stmt import PreparedStatement

    from backfill.database import Connection

PROBE_SECONDS: Final = 5.0  # a lock on a table of the query must not keep a job from being opened

# What a worker would meet at every partition. A right may be the worker's alone, so that its lack says nothing here.
BROKEN: Final = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.FeatureNotSupportedError)
UNTOLD: Final = (
    *(TimeoutError, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError),
    asyncpg.InsufficientPrivilegeError,
)


async def need_fit_queries(connection: "Connection", target: Target) -> None:
    """Raise SchemaError for a query or a `where` that no worker could use; under the target's session."""
    definition = target.definition
    await need_fit_where(connection, target)
    if definition.inputs and type(definition).load is ColumnBackfill.load:
        await _need_fit(connection, target, "inputs", target.inputs)
    if definition.inputs_version:
        await _need_fit(connection, target, "inputs_version", target.inputs_version)


async def need_fit_where(connection: "Connection", target: Target) -> None:
    """Raise SchemaError for a `where` that is not one condition on columns of the table, each written with `t.`."""
    if not target.definition.where:
        return
    title, correct = condition.title(target.definition), "correct it; columns of the table are written t.column"
    for name in ("probe_where", "count_keyless"):  # alone, and as it stands in all statements
        statement = await _prepared(connection, title, target.statement(name), correct)
        if statement is not None and statement.get_parameters():
            raise SchemaError(f"{title} has the parameter $1; nothing is given to it")


async def _prepared(
    connection: "Connection", title: str, query: str, correct: str, arrays: str = ""
) -> "PreparedStatement[Any] | None":
    """The query as PostgreSQL reads it; None where that cannot be told now, or not by this role."""
    try:
        # In a transaction, and without a name: whatever stands between us and PostgreSQL, it is one session.
        async with asyncio.timeout(PROBE_SECONDS), connection.transaction():
            return await connection.prepare(query, name="")
    except UNTOLD:
        return None
    except BROKEN as error:
        said = one_line(error.args[0])
        if arrays and isinstance(error, asyncpg.UndefinedFunctionError) and "[]" in said:
            correct = arrays
        raise SchemaError(f"{title}: {said}; {correct}") from error


async def _need_fit(connection: "Connection", target: Target, name: str, query: str) -> None:
    title, key = f"{name} of {type(target.definition).__name__}", target.key
    arrays = f"the parameters are arrays of keys: WHERE {key.names[0]} = ANY($1)"
    statement = await _prepared(connection, title, query, "correct the query or the database", arrays)
    if statement is None:
        return
    parameters, expected = len(statement.get_parameters()), len(key.columns)
    if parameters != expected:
        wanted = " and ".join(f"${n}" for n in range(1, expected + 1))
        raise SchemaError(
            f"{title} takes {counted(parameters, 'parameter')}, the key {key.title} of {target.definition.table!r} "
            f"has {counted(expected, 'column')}; write it with {wanted}, arrays of keys: WHERE {key.names[0]} = ANY($1)"
        )
    given = [attribute.name for attribute in statement.get_attributes()]
    if missing := [one for one in key.names if one not in given]:
        raise SchemaError(
            f"{title} gives no column {', '.join(missing)}, only {', '.join(given) or 'none'}; "
            f"select the key {key.title} under its name"
        )
