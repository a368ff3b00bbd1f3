"""How PostgreSQL would find the records of a mode, and which index would spare it a scan."""

import json
from collections.abc import Iterator
from typing import Any, Final

from backfill import condition
from backfill.api.findings import Checked
from backfill.catalog import Target
from backfill.database import Connection
from backfill.modes import Mode
from backfill.statements import quote

FEW_ROWS: Final = 100_000  # a scan of so many is quick
SMALL_PART: Final = 0.2  # of the rows: an index on more than these would not be used


async def look(connection: Connection, target: Target, rows: int, checked: Checked) -> None:
    """Warn of a scan for a small part of a large table.

    Planning reads along the key whatever the mode is. It is what counts the records, when a job opens and with
    --dry-run, that an index on the mode's condition serves.
    """
    what, mode = "index", target.mode
    if target.names["predicate"] == "true":
        checked.ok(what, "mode all reads along the key")
        return
    explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {target.statement('select_matching')}")
    plan = (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]
    found, is_scan = plan["Plan Rows"], any(_reads_all(node) for node in _nodes(plan))
    if not is_scan:
        checked.ok(what, f"an index serves mode {mode.value}")
    elif rows < FEW_ROWS or found > rows * SMALL_PART:
        checked.ok(what, f"counting mode {mode.value} reads the whole table, which is right for so many rows")
    else:
        checked.warn(
            what,
            f"counting mode {mode.value} reads all of about {rows:,} rows for about {found:,} (planning reads along "
            f"the key in any case); {suggestion(target)}",
        )


def suggestion(target: Target) -> str:
    """The partial index that would serve the mode, to be typed."""
    definition = target.definition
    column = quote(definition.target_column)
    parts = [] if target.mode is Mode.ALL else [target.mode.predicate(column)]
    bare = condition.without_prefix(definition)
    if bare:
        parts.append(f"({bare})" if parts else bare)
    if not parts:
        return "an index cannot hold a where with a subquery"
    on = "on each of its partitions, run" if target.is_partitioned else "run"
    keys = ", ".join(map(quote, definition.key_columns))
    return f"{on}: CREATE INDEX CONCURRENTLY ON {target.table} ({keys}) WHERE {' AND '.join(parts)}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _reads_all(node: dict[str, Any]) -> bool:
    """Whether it looks at rows only to leave them out."""
    return str(node["Node Type"]).endswith("Seq Scan") or "Filter" in node
