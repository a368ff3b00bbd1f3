"""Load inputs and compute values for many records; one bad record is set apart, its neighbours go on."""

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from backfill.catalog import INTEGER_BOUNDS, Column, Target
from backfill.database import Connection, is_transient
from backfill.definition import Skip
from backfill.errors import TransientError
from backfill.ledger.partitions import Tally

# A computation holds the event loop no longer than this at a stretch: heartbeats and leases must go on.
STRETCH_SECONDS: Final = 0.05


@dataclass
class Computed:
    """Values to write, as one list a column, beside the keys and the versions they were computed from."""

    columns: list[list[Any]]
    keys: list[Any] = field(default_factory=list)
    versions: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.keys)

    def part(self, start: int, end: int) -> "Computed":
        return Computed([column[start:end] for column in self.columns], self.keys[start:end], self.versions[start:end])


async def compute(connection: Connection, target: Target, ids: list[str], tally: Tally) -> Computed:
    """Read versions, then inputs, then compute, without a transaction; what needs no write is counted in the tally.

    The versions are read before the inputs: a value is never older than the version it is held against.
    """
    rows = await connection.fetch(target.read_versions, ids)
    tally.deleted += len(ids) - len(rows)
    versions = {row[0]: row[1] for row in rows if row[2]}
    if passed := len(rows) - len(versions):
        tally.skipped[f"no longer selected by mode {target.mode.value}"] += passed
    computed = Computed([[] for _ in target.columns])
    if versions:
        loaded = await _load(connection, target, list(versions), tally)
        await _values(target, loaded, versions, computed, tally)
    return computed


async def _load(connection: Connection, target: Target, keys: list[Any], tally: Tally) -> list[Mapping[str, Any]]:
    """Load all, or halve until the records that cannot be loaded stand alone."""
    try:
        return list(await target.definition.load(connection, keys))
    except Exception as error:
        if isinstance(error, OSError) and not connection.is_closed():
            # The definition's own service is away, not the database: an attempt of this partition.
            raise TransientError(f"{type(error).__name__}: {error}") from error
        if is_transient(error) or isinstance(error, TransientError) or is_broken_definition(error):
            raise
        if len(keys) == 1:
            tally.failed[str(keys[0])] = _why(error)
            return []
        middle = len(keys) // 2
        first = await _load(connection, target, keys[:middle], tally)
        return first + await _load(connection, target, keys[middle:], tally)


async def _values(
    target: Target,
    rows: Sequence[Mapping[str, Any]],
    versions: dict[Any, Any],
    computed: Computed,
    tally: Tally,
) -> None:
    definition, key_name = target.definition, target.key.name
    checked = [(column, column.name, _CHECKS.get(column.type)) for column in target.columns]
    appends = [column.append for column in computed.columns]
    breath = time.monotonic() + STRETCH_SECONDS
    for row in rows:
        if time.monotonic() > breath:
            await asyncio.sleep(0)
            breath = time.monotonic() + STRETCH_SECONDS
        key = row[key_name]
        version = versions.pop(key, None)
        if version is None:
            continue  # a row that was not asked for, or a second one for the same record
        try:
            result = definition.compute(row)
            if isinstance(result, Skip):
                tally.skipped[str(result)] += 1
                continue
            values = [result[name] for _, name, _ in checked]
            for (column, name, check), value in zip(checked, values, strict=True):
                if value is None:
                    if column.not_null:
                        raise ValueError(f"{name} is None, but the column is NOT NULL")
                elif check is not None:
                    check(column, value)
        except TransientError as error:
            tally.remaining[str(key)] = _why(error)
        except Exception as error:
            tally.failed[str(key)] = _why(error)
        else:
            computed.keys.append(key)
            computed.versions.append(version)
            for append, value in zip(appends, values, strict=True):
                append(value)
    for key in versions:
        if str(key) not in tally.failed:  # else its load failed
            tally.skipped["no inputs"] += 1


def is_broken_definition(error: BaseException) -> bool:
    """A name in the definition's SQL no longer exists, or may not be used: no record is to blame."""
    import asyncpg

    return isinstance(error, asyncpg.SyntaxOrAccessError) and not isinstance(
        error, (asyncpg.DatatypeMismatchError, asyncpg.CannotCoerceError)
    )


def _why(error: Exception) -> tuple[str, str]:
    return type(error).__name__, (str(error) or type(error).__name__)[:2_000]


def _check_decimal(column: Column, value: Any) -> None:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{column.name} is {value}: not a finite number")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{column.name} is {value}: not a finite number")
    elif not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")


def _check_float(column: Column, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (float, int)):
        raise TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")
    if not math.isfinite(value):
        raise ValueError(f"{column.name} is {value}: not a finite number")


def _check_integer(column: Column, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")
    bound = INTEGER_BOUNDS[column.type]
    if not -bound <= value < bound:
        raise ValueError(f"{column.name} is {value}: out of range for {column.full_type}")


def _check_text(column: Column, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")
    if "\0" in value:
        raise ValueError(f"{column.name} holds a NUL character, which PostgreSQL cannot store")


def _check_boolean(column: Column, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{column.name} is {type(value).__name__}, the column is {column.full_type}")


_CHECKS: Final = {
    "numeric": _check_decimal,
    "real": _check_float,
    "double precision": _check_float,
    "smallint": _check_integer,
    "integer": _check_integer,
    "bigint": _check_integer,
    "text": _check_text,
    "character varying": _check_text,
    "boolean": _check_boolean,
}
