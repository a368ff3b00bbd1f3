"""Load inputs and compute values for many records; one bad record is set apart, its neighbours go on."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from backfill.catalog import Target
from backfill.database import Connection, is_transient
from backfill.definition import Skip
from backfill.errors import SchemaError, TransientError
from backfill.ledger.partitions import Tally
from workers import values
from workers.values import Computed
from workers.watch import Watch

# A computation holds the event loop no longer than this at a stretch: heartbeats and leases must go on.
STRETCH_SECONDS: Final = 0.05


async def compute(connection: Connection, target: Target, ids: list[str], tally: Tally, watch: Watch) -> Computed:
    """Read versions, then inputs, then compute, without a transaction; what needs no write is counted in the tally.

    The versions are read before the inputs: a value is never older than the version it is held against.
    """
    row = await connection.fetchrow(target.read_versions, ids)
    assert row is not None  # noqa: S101 - an aggregate always makes one row
    versions = dict(zip(row["keys"] or (), row["versions"] or (), strict=True))
    tally.deleted += len(ids) - row["present"]
    if passed := row["present"] - len(versions):
        tally.skipped[f"no longer selected by mode {target.mode.value}"] += passed
    if not versions:
        return Computed([], [], [[] for _ in target.columns])
    loaded = await _load(connection, target, list(versions), tally)
    return await _values(target, loaded, versions, tally, watch)


async def _load(connection: Connection, target: Target, keys: list[Any], tally: Tally) -> list[Mapping[str, Any]]:
    """Load all, or halve until the records that cannot be loaded stand alone."""
    try:
        return list(await target.definition.load(connection, keys))
    except Exception as error:
        if isinstance(error, OSError) and not connection.is_closed():
            # The definition's own service is away, not the database: an attempt of this partition.
            raise TransientError(f"{type(error).__name__}: {error}") from error
        if isinstance(error, asyncpg.InterfaceError) and not connection.is_closed():
            # The driver itself refuses the call: too few or too many arguments, for one.
            raise SchemaError(f"the inputs of {target.definition.name} cannot be loaded: {error}") from error
        if is_transient(error) or isinstance(error, TransientError) or is_broken_definition(error):
            raise
        if len(keys) == 1:
            tally.failed[str(keys[0])] = _why(error)
            return []
        middle = len(keys) // 2
        first = await _load(connection, target, keys[:middle], tally)
        return first + await _load(connection, target, keys[middle:], tally)


async def _values(
    target: Target, rows: Sequence[Mapping[str, Any]], versions: dict[Any, Any], tally: Tally, watch: Watch
) -> Computed:
    definition, key_name = target.definition, target.key.name
    names = [column.name for column in target.columns]
    accepted = []
    begin, end = watch.begin, watch.end
    breath = time.monotonic() + STRETCH_SECONDS
    for row in rows:
        if time.monotonic() > breath:
            await asyncio.sleep(0)
            breath = time.monotonic() + STRETCH_SECONDS
        try:
            key = row[key_name]
        except KeyError:
            raise SchemaError(f"the inputs of {definition.name} have no column {key_name!r}; name it so") from None
        version = versions.pop(key, None)
        if version is None:
            continue  # a row that was not asked for, or a second one for the same record
        try:
            begin(key)
            try:
                result = definition.compute(row)
            finally:
                end()
            if isinstance(result, Skip):
                tally.skipped[str(result)] += 1
            else:
                accepted.append((key, version, *(result[name] for name in names)))
        except TransientError as error:
            tally.remaining[str(key)] = _why(error)
        except KeyError as error:
            tally.failed[str(key)] = "KeyError", f"no {error} (in the inputs, or in what compute returned)"
        except Exception as error:
            tally.failed[str(key)] = _why(error)
    for key in versions:
        if str(key) not in tally.failed:  # else its load failed
            tally.skipped["no inputs"] += 1
    return values.checked(target.columns, accepted, tally)


def is_broken_definition(error: BaseException) -> bool:
    """A name in the definition's SQL no longer exists, or may not be used: no record is to blame."""
    return isinstance(error, asyncpg.SyntaxOrAccessError) and not isinstance(
        error, (asyncpg.DatatypeMismatchError, asyncpg.CannotCoerceError)
    )


def _why(error: Exception) -> tuple[str, str]:
    return type(error).__name__, (str(error) or type(error).__name__)[:2_000]
