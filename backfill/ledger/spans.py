"""Where planning begins and ends: bounds as texts of keys, and how many records match between them."""

from dataclasses import dataclass

from backfill import condition
from backfill.catalog import Target
from backfill.database import Connection
from backfill.errors import SchemaError, UsageError
from backfill.kinds import packed
from backfill.ledger.job import Job


@dataclass(frozen=True)
class Bounds:
    """Where a job begins and ends: texts of keys, in its order; the first one is part of it unless it is a cursor."""

    first: str
    last: str
    inclusive: bool


async def key_bounds(connection: Connection, target: Target) -> tuple[str | None, str | None]:
    """The lowest and highest key there is, as text; raises SchemaError for a key whose text is not the key."""
    row = await connection.fetchrow(target.statement("read_bounds"))
    if row is None:
        return None, None
    if not row["lead_back"]:
        raise unpageable(target, f"{row['lower_key']!r} or {row['upper_key']!r}")
    return row["lower_key"], row["upper_key"]


def unpageable(target: Target, text: str) -> SchemaError:
    return SchemaError(
        f"the key {target.key.title} of {target.definition.table!r} cannot be paged: the text {text} of one of its "
        "keys does not lead back to it; use another unique column"
    )


def between(order: str, lower: str, upper: str, after: str | None) -> Bounds:
    first, last = (lower, upper) if order == "asc" else (upper, lower)
    return Bounds(first if after is None else after, last, after is None)


def left_of(job: Job, lower: str | None) -> Bounds:
    """What is left to plan of a job, in a table whose lowest key is now that, or that is empty."""
    # The table may be empty by now: then the highest key is the only one that there is to look at.
    first = job.upper_key if lower is None else lower
    return between(job.sort_order, first, job.upper_key, job.cursor_key)


async def canonical(connection: Connection, target: Target, keys: tuple[str, ...]) -> list[str]:
    """The one text of each key that a person wrote, without doubles; raises UsageError for one without all columns."""
    rows = await connection.fetch(target.statement("read_canonical"), list(keys))
    for key, row in zip(keys, rows, strict=True):
        if not row["is_whole"]:
            raise no_key(target, key)
    return list(dict.fromkeys(row["id"] for row in rows))


def no_key(target: Target, key: str) -> UsageError:
    return UsageError(
        f"{key!r} is no key of {target.definition.table!r}: {target.key.title} has {len(target.key.columns)} columns; "
        f"write {','.join(target.key.names)} with its values, such as 1001,3"
    )


async def count_matching(
    connection: Connection, target: Target, order: str, bounds: Bounds, ids: list[str] | None
) -> int:
    names = target.key.paging(order, inclusive=bounds.inclusive, first="$1::text", last="$2::text")
    names["only"] = target.key.among("$3") if ids else "$3::text IS NULL"
    with condition.answering(target.definition):
        matched: int = await connection.fetchval(
            target.statement("count_matching", **names), bounds.first, bounds.last, packed(ids) if ids else None
        )
    return matched


def span_names(target: Target, order: str, bounds: Bounds, ids: list[str] | None) -> dict[str, str]:
    """What span_rows.sql, and what is made of it, needs besides the target's names."""
    names = target.key.paging(order, inclusive=bounds.inclusive, first="$1::text", last="$2::text")
    return names | {"only": target.key.among("$4") if ids else "$4::text IS NULL"}
