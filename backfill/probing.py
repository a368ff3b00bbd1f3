"""A definition's queries as PostgreSQL reads them, before a job is opened over them; nothing is run."""

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from backfill.catalog import Target
from backfill.column_backfill import ColumnBackfill
from backfill.errors import SchemaError
from backfill.texts import one_line

if TYPE_CHECKING:
    from typing import Any

PROBE_SECONDS: Final = 5.0  # a lock on a table of the query must not keep a job from being opened

# What a worker would meet at every partition. A right may be the worker's alone, so that its lack says nothing here.
BROKEN: Final = (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.FeatureNotSupportedError)


async def need_fit_queries(connection: "asyncpg.Connection[Any]", target: Target) -> None:
    """Raise SchemaError for an `inputs` or `inputs_version` that no worker could use; under the target's session."""
    definition = target.definition
    if definition.inputs and type(definition).load is ColumnBackfill.load:
        await _need_fit(connection, target, "inputs", target.inputs)
    if definition.inputs_version:
        await _need_fit(connection, target, "inputs_version", target.inputs_version)


async def _need_fit(connection: "asyncpg.Connection[Any]", target: Target, name: str, query: str) -> None:
    title, key = f"{name} of {type(target.definition).__name__}", target.key
    try:
        # In a transaction, and without a name: whatever stands between us and PostgreSQL, it is one session.
        async with asyncio.timeout(PROBE_SECONDS), connection.transaction():
            statement = await connection.prepare(query, name="")
    except (TimeoutError, asyncpg.QueryCanceledError, asyncpg.InsufficientPrivilegeError):
        return
    except BROKEN as error:
        raise SchemaError(f"{title}: {one_line(error.args[0])}; correct the query or the database") from error
    parameters, expected = len(statement.get_parameters()), len(key.columns)
    if parameters != expected:
        wanted = " and ".join(f"${n}" for n in range(1, expected + 1))
        raise SchemaError(
            f"{title} takes {parameters} parameters, the key {key.title} of {target.definition.table!r} has {expected} "
            f"columns; write it with {wanted}, arrays of keys: WHERE {key.names[0]} = ANY($1)"
        )
    given = [attribute.name for attribute in statement.get_attributes()]
    if missing := [one for one in key.names if one not in given]:
        raise SchemaError(
            f"{title} gives no column {', '.join(missing)}, only {', '.join(given) or 'none'}; "
            f"select the key {key.title} under its name"
        )
