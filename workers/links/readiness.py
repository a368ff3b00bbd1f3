"""What a worker can tell at its start of what would stop its jobs later; it begins all the same."""

from collections.abc import AsyncIterator, Mapping

import asyncpg

from backfill import application, needs, parameters, probing, rights, texts
from backfill.catalog import resolve
from backfill.column_backfill import ColumnBackfill
from backfill.database import Connection
from backfill.definition import Definition
from backfill.errors import SchemaError
from backfill.ledger import definitions as ledger
from backfill.modes import Mode
from backfill.partition_backfill import PartitionBackfill


async def warnings(connection: Connection, definitions: Mapping[str, Definition]) -> AsyncIterator[str]:
    """Sentences about the definitions, their tables, and jobs that nobody works on."""
    for sentence in application.rivals(definitions):
        yield sentence
    for definition in definitions.values():
        try:
            if isinstance(definition, PartitionBackfill):
                await needs.need_tables(connection, definition)
            elif isinstance(definition, ColumnBackfill):
                target = await resolve(connection, definition, Mode.ALL)
                await probing.need_fit_where(connection, target)
            await rights.need_to_write(connection, definition)
        except SchemaError as error:
            yield f"{definition.name}: {error}"
        except asyncpg.SyntaxOrAccessError as error:  # what is no name of a table
            yield f"{definition.name}: {texts.clean(error)}"
        if parameters.have_defaults(definition):  # else they were shown when the job was queued
            for sentence in await definition.warnings(connection):
                yield sentence
    for job in await ledger.unserved(connection, list(definitions)):
        yield (
            f"job {job['id']} of {job['asset_name']} is {job['state']} and no worker serves it, this one has "
            f"{', '.join(definitions)}; start one that has it (was it renamed?), or give the job up: "
            f"backfill cancel {job['id']} --reason=TEXT"
        )
