"""Load inputs and compute values for many records; one bad record is set apart, its neighbours go on."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from backfill import computing, condition, texts
from backfill.catalog import ChangedTableError, Target, need_unchanged
from backfill.database import Connection
from backfill.definition import Skip
from backfill.errors import HeldError, TransientError
from backfill.kinds import packed
from backfill.ledger.tally import Tally
from backfill.needs import need_settings
from backfill.workers.computing import values
from backfill.workers.computing.judge import NOTHING, why, within
from backfill.workers.computing.loading import Loading
from backfill.workers.computing.values import Batch, Computed
from backfill.workers.computing.ways import Ways
from backfill.workers.limits.spending import Spending
from backfill.workers.watch import Watch

# A computation holds the event loop no longer than this at a stretch: deliveries and signals must go on.
STRETCH_SECONDS: Final = 0.05
HIDDEN: Final = "deleted, or hidden by row-level security"


async def compute(
    connection: Connection,
    target: Target,
    ids: list[str],
    tally: Tally,
    watch: Watch,
    spending: Spending,
    seconds: float,
    ways: Ways,
    *,
    last_attempt: bool,
) -> Computed:
    """Read versions, then inputs, then compute, without a transaction; what needs no write is counted in the tally.

    The versions are read before the inputs: a value is never older than the version it is held against. Reading may
    take `seconds`, else TimeoutError; computing for longer leaves the rest to `tally.later`. So does a service that
    wants to be left alone, and the next call waits until it may be asked again.
    """
    await spending.rest()
    held: HeldError | None = None
    async with asyncio.timeout(seconds):
        batch = await _read(connection, target, ids, tally)
        if not batch.ids:
            return Computed(batch, [[] for _ in target.columns])
        loading = Loading(connection, target, batch, tally, last_attempt=last_attempt)
        if target.definition.inputs_version:
            batch.input_versions = await loading.versions()
        try:
            rows = await loading.rows()
        except HeldError as error:
            held = error
    if held is not None:
        await spending.held(held)
        tally.later = [one for one in batch.ids if one not in tally.failed and one not in tally.held]
        return Computed(batch.pick(()), [[] for _ in target.columns])
    loaded = Loaded(target, batch, rows, tally, watch, spending)
    computed = await loaded.computed(ways, time.monotonic() + seconds, last_attempt=last_attempt)
    if tally.failed:  # for what the columns are now, and not for what they were
        await need_unchanged(connection, target)
    return computed


async def _read(connection: Connection, target: Target, ids: list[str], tally: Tally) -> Batch:
    parts = target.key.split(ids)
    if parts is None:
        rows = await connection.fetch(target.statement("read_parts"), packed(ids))
        parts = [list(column) for column in zip(*(row["parts"] for row in rows), strict=True)]
    with condition.answering(target.definition):
        row = await connection.fetchrow(target.read_versions, *map(packed, parts))
    assert row is not None  # noqa: S101 - an aggregate always makes one row
    if row["shape"] != target.shape:
        raise ChangedTableError
    missing = len(ids) - row["present"]
    if row["is_filtered"]:
        # Switched on since the job was opened, it may be.
        need_settings(target.definition, target.definition.table, row["policies"] or [])
        if missing:
            tally.skipped[HIDDEN] += missing
    else:
        tally.deleted += missing
    found, versions = row["places"] or [], row["versions"] or []
    if passed := row["present"] - len(found):
        where = " and where" if target.definition.where else ""
        tally.skipped[f"no longer selected by mode {target.mode.value}{where}"] += passed
    if len(parts) == 1:
        return Batch(found, [found], versions)
    if found == list(range(1, len(ids) + 1)):  # all of them, in this order
        return Batch(ids, parts, versions)
    return Batch(
        [ids[place - 1] for place in found], [[part[place - 1] for place in found] for part in parts], versions
    )


@dataclass(frozen=True)
class Loaded:
    """The rows that were loaded for a batch, by their places in it."""

    target: Target
    batch: Batch
    rows: dict[int, Mapping[str, Any]]
    tally: Tally
    watch: Watch
    spending: Spending

    async def computed(self, ways: Ways, until: float, *, last_attempt: bool) -> Computed:
        """What the definition makes of them until then."""
        if computing.of(self.target.definition).is_plain:
            return await self._here(until)
        return await self._elsewhere(ways, until, last_attempt=last_attempt)

    async def _here(self, until: float) -> Computed:
        """By one plain function of one record, which is called here."""
        rows, tally = self.rows, self.tally
        held: HeldError | None = None
        ids, compute_one, begin, end = self.batch.ids, self.target.definition.compute, self.watch.begin, self.watch.end
        names = [column.name for column in self.target.columns]
        take, several = itemgetter(*names), len(names) > 1
        places = []
        accepted = []
        breath = time.monotonic() + STRETCH_SECONDS
        for number, (place, row) in enumerate(rows.items()):
            now = time.monotonic()
            if now > breath:
                if now > until:
                    tally.later = [ids[place] for place in list(rows)[number:]]
                    break
                await asyncio.sleep(0)
                breath = time.monotonic() + STRETCH_SECONDS
            result: Any = NOTHING
            try:
                begin(ids[place])
                try:
                    result = compute_one(row)
                finally:
                    end()
                if isinstance(result, Skip):
                    tally.skip(ids[place], result)
                    continue
                found = take(result) if several else (take(result),)
            except BaseException as error:  # nothing that `compute` raises is the worker's end, SystemExit neither
                if (held := within(error, HeldError)) is not None:
                    tally.later = [ids[place] for place in list(rows)[number:]]
                    break
                if isinstance(error, TransientError):
                    tally.remaining[ids[place]] = texts.why(error)
                else:
                    tally.failed[ids[place]] = why(error, row, result, names)
            else:
                places.append(place)
                accepted.append(found)
        if held is not None:
            await self.spending.held(held)
        return values.written(self.target.columns, self.batch, places, accepted, tally)

    async def _elsewhere(self, ways: Ways, until: float, *, last_attempt: bool) -> Computed:
        """The same for what is no plain function of one record."""
        places, tally = list(self.rows), self.tally
        ids = [self.batch.ids[place] for place in places]
        names = [column.name for column in self.target.columns]
        outcomes = await ways.compute(
            self.target.definition,
            names,
            list(self.rows.values()),
            ids,
            self.watch,
            self.spending,
            until,
            last_attempt=last_attempt,
        )
        for place, reason in outcomes.skipped.items():
            tally.skip(ids[place], reason)
        tally.failed |= {ids[place]: error for place, error in outcomes.failed.items()}
        tally.remaining |= {ids[place]: error for place, error in outcomes.again.items()}
        tally.later = [one for place, one in enumerate(ids) if place not in outcomes]
        accepted = list(outcomes.values.values())
        return values.written(
            self.target.columns, self.batch, [places[place] for place in outcomes.values], accepted, tally
        )
