"""The closing sweeps: what still matches when every partition has ended and is in none, written behind the cursor by
transactions that committed late.

A sweep reads the table once, span by span with a stored cursor; it walks along the producer's partitions, which lie in
the same order, so that each span is held against a few of them. An application that goes on writing could make it find
more for ever: the last sweep only counts, and what it counts belongs to the application.
"""

from dataclasses import dataclass
from typing import Any, Final

from backfill import statements
from backfill.catalog import Target
from backfill.database import Connection
from backfill.ledger import planning
from backfill.ledger.jobs import Row
from backfill.modes import Mode

SWEEPS: Final = 3  # the last one only counts
MOST_RECORDS: Final = 50_000  # of the producer's, against which one span is held; and planned by one


@dataclass(frozen=True)
class Swept:
    """What a step came to."""

    read: int
    planned: int
    is_over: bool  # nothing is left to sweep: the job may end
    left: int = 0  # records that match and are left to the application, when it is over


def needed(target: Target, job: Row) -> bool:
    """In mode all the planned set is the job; a record that was given by id was planned or did not match."""
    return target.mode is not Mode.ALL and not job["by_id"]


async def step(connection: Connection, target: Target, job: Row, rows: int) -> Swept:
    """Sweep one span of `rows` rows, in the caller's transaction, who holds the job's row and has rolled it up."""
    at = await _read(connection, job)
    sweep, cursor, behind, found = at["sweep"], at["sweep_cursor"], at["sweep_partition"], at["sweep_found"]
    if at["sweep_ended"] or sweep == 0:
        if sweep and not found:
            return Swept(0, 0, True)
        sweep, cursor, behind, found = sweep + 1, None, "", 0
        await _remember(connection, job, sweep, cursor, behind, found, False, 0)
        at = await _read(connection, job)
    room = min(MOST_RECORDS, (at["record_limit"] or 2**62) - at["records_matched"])
    lower, upper = await planning.key_bounds(connection, target)
    if room <= 0 or lower is None or upper is None:
        return Swept(0, 0, True)
    whole = planning.bounds(at["sort_order"], lower, at["upper_key"], at["after_key"])
    # Behind the producer's last partition there may be more of the table.
    last = whole.last if at["last_partition"] is None else at["last_id"]
    bounds = (
        planning.Bounds(whole.first, last, whole.inclusive) if cursor is None else planning.Bounds(cursor, last, False)
    )
    counts_only = sweep == SWEEPS
    await connection.execute(statements.read("ledger/sweep_in_key_order"))
    page = await planning.read(
        connection,
        target,
        job,
        bounds,
        rows=rows,
        most=room,
        next_number=at["next_number"],
        sweep=sweep,
        among=(behind, at["last_partition"] or behind),
        may_plan=not counts_only,
    )
    ended = False
    if page is not None and (page.read == rows or page.found == room):
        cursor = page.edge
    else:  # everything up to here is read
        cursor, behind = last, at["last_partition"] or behind
        ended = at["last_partition"] is None
    new = page.found if page else 0
    found += new
    left = found if counts_only else 0
    await _remember(connection, job, sweep, cursor, behind, found, ended, left)
    is_over = ended and (counts_only or not found)
    return Swept(page.read if page else 0, 0 if counts_only else new, is_over, left)


async def _read(connection: Connection, job: Row) -> Any:
    partitions = max(1, MOST_RECORDS // job["batch_size"])
    return await connection.fetchrow(statements.read("ledger/read_sweep"), job["id"], partitions)


async def _remember(connection: Connection, job: Row, *state: Any) -> None:
    await connection.execute(statements.read("ledger/advance_sweep"), job["id"], *state)
