"""The closing sweeps: what still matches when every partition has ended, whoever had it.

A sweep reads the table once, span by span with a stored cursor; it walks along the producer's partitions, which lie in
the same order, so that each span is held against a few of them. What is in none was written behind the cursor by a
transaction that committed late; what a partition wrote and matches again was undone by somebody. Both are planned. An
application that goes on writing could make sweeps find more for ever: the last one only counts. What the first sweep
that finds nothing to plan has met, or the last one, is the verdict.

A job that was opened with its records is swept by them, partition by partition: what it never planned is not its own.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from backfill import statements
from backfill.catalog import Target
from backfill.database import Connection
from backfill.ledger import planning, spans, verdict
from backfill.ledger.job import Job
from backfill.ledger.jobs import Row
from backfill.ledger.planning import Page
from backfill.ledger.spans import Bounds
from backfill.modes import Mode

SWEEPS: Final = 3  # the last one only counts
MOST_RECORDS: Final = 50_000  # of the producer's, against which one span is held; and planned by one


@dataclass(frozen=True)
class Swept:
    """What a step came to."""

    missed: int = 0  # planned: they were in no partition
    again: int = 0  # planned: somebody had undone them
    left: dict[str, int] | None = None  # why records are left, once the sweeps are over: the job may end

    @property
    def planned(self) -> int:
        return self.missed + self.again

    def __str__(self) -> str:
        again = f"{self.again:,} records match again, undone by others" if self.again else ""
        missed = f"{self.missed:,} records had been missed" if self.missed else ""
        return ", ".join(filter(None, (missed, again)))


@dataclass
class Place:
    """How far the sweeps of a job are; at the end of a step it is stored."""

    sweep: int
    cursor: str | None
    behind: str  # the producer's partitions up to this one are swept
    found: int
    met: dict[str, int]  # by kind, since the sweep began
    ended: bool

    @property
    def counts_only(self) -> bool:
        return self.sweep >= SWEEPS


def needed(target: Target) -> bool:
    """In mode all only a record that has lost its value tells that it was undone; where none can, nothing tells."""
    return target.mode is not Mode.ALL or not target.is_never_null


async def step(connection: Connection, target: Target, job: Job, rows: int) -> Swept:
    """Sweep one span of `rows` rows, in the caller's transaction, who holds the job's row and has rolled it up."""
    at = await _read(connection, job, rows)
    place = Place(
        at["sweep"],
        at["sweep_cursor"],
        at["sweep_partition"],
        at["sweep_found"],
        json.loads(at["sweep_left"]),
        at["sweep_ended"],
    )
    if place.ended or place.sweep == 0:
        if at["left_reasons"] is not None:
            return Swept(left=json.loads(at["left_reasons"]))
        place = Place(place.sweep + 1, None, "", 0, {}, False)
        await _remember(connection, job, place)
        at = await _read(connection, job, rows)
    lower, upper = await spans.key_bounds(connection, target)
    page = None
    if lower is None or upper is None:  # an empty table
        place.ended = True
    elif at["ids"] is not None:
        page = await _given(connection, target, job, at, place, spans.between(at["sort_order"], lower, upper, None))
    else:
        page = await _span(connection, target, job, at, place, lower, rows)
    met = page.met if page else {}
    place.found += page.found if page else 0
    place.met = {kind: place.met.get(kind, 0) + met.get(kind, 0) for kind in place.met | met}
    missed, again = (0, 0) if place.counts_only else (met.get("missed", 0), met.get("again", 0))
    left = verdict.of(place.met, is_last=place.counts_only) if place.ended else None
    await _remember(connection, job, place, again, left)
    return Swept(missed, again, left)


async def _span(
    connection: Connection, target: Target, job: Job, at: Row, place: Place, lower: str, rows: int
) -> Page | None:
    """Sweep the next rows of the table, and move the place behind them."""
    room = None if at["record_limit"] is None else max(0, at["record_limit"] - at["planned_once"])
    whole = spans.between(at["sort_order"], lower, at["upper_key"], at["after_key"])
    # What lies behind a limit is not the job's. Else there may be more of the table behind the last partition.
    end = at["cursor_key"] if at["is_cut_by_limit"] else whole.last
    last = end if at["last_partition"] is None else at["last_id"]
    first = Bounds(whole.first, last, whole.inclusive)
    await connection.execute(statements.read("ledger/sweeping/in_key_order"))
    most = min(MOST_RECORDS, room or MOST_RECORDS)
    page = await planning.read(
        connection,
        target,
        job,
        first if place.cursor is None else Bounds(place.cursor, last, False),
        rows=rows,
        most=most,
        next_number=at["next_number"],
        sweep=place.sweep,
        among=(place.behind, at["last_partition"] or place.behind),
        may_plan=not place.counts_only,
        takes_missed=target.mode is not Mode.ALL and room != 0,
    )
    if page is not None and (page.read == rows or page.found == most):
        place.cursor = page.edge
    else:  # everything up to here is read
        place.cursor, place.behind = last, at["last_partition"] or place.behind
        place.ended = at["last_partition"] is None
    return page


async def _given(
    connection: Connection, target: Target, job: Job, at: Row, place: Place, bounds: Bounds
) -> Page | None:
    """Sweep the records of the next partitions, and move the place behind those."""
    if not at["ids"]:
        place.ended = True
        return None
    page = await planning.read(
        connection,
        target,
        job,
        bounds,
        rows=len(at["ids"]),
        most=len(at["ids"]),
        next_number=at["next_number"],
        ids=at["ids"],
        sweep=place.sweep,
        among=(place.behind, at["last_partition"]),
        may_plan=not place.counts_only,
        takes_missed=False,
    )
    place.behind = at["last_partition"]
    return page


async def _read(connection: Connection, job: Job, rows: int) -> Any:
    # Of a job with its records, no more of them than rows of a table.
    most = min(MOST_RECORDS, rows) if job.by_id else MOST_RECORDS
    return await connection.fetchrow(statements.read("ledger/sweeping/read"), job.id, max(1, most // job.batch_size))


async def _remember(
    connection: Connection, job: Job, place: Place, again: int = 0, left: dict[str, int] | None = None
) -> None:
    await connection.execute(
        statements.read("ledger/sweeping/advance"),
        job.id,
        place.sweep,
        place.cursor,
        place.behind,
        place.found,
        place.ended,
        json.dumps(place.met),
        again,
        None if left is None else json.dumps(left),
    )
