"""Load inputs and compute values for many records; one bad record is set apart, its neighbours go on."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from backfill import condition, texts
from backfill.catalog import ChangedTableError, Target, need_unchanged
from backfill.database import Connection
from backfill.definition import Skip
from backfill.errors import TransientError
from backfill.kinds import packed
from backfill.ledger.tally import Tally
from backfill.needs import need_settings
from backfill.workers import values
from backfill.workers.loading import Loading
from backfill.workers.spending import Spending
from backfill.workers.values import Batch, Computed
from backfill.workers.watch import Watch

# A computation holds the event loop no longer than this at a stretch: deliveries and signals must go on.
STRETCH_SECONDS: Final = 0.05
HIDDEN: Final = "deleted, or hidden by row-level security"
NOTHING: Final = object()  # was returned


async def compute(
    connection: Connection,
    target: Target,
    ids: list[str],
    tally: Tally,
    watch: Watch,
    spending: Spending,
    seconds: float,
    *,
    last_attempt: bool,
) -> Computed:
    """Read versions, then inputs, then compute, without a transaction; what needs no write is counted in the tally.

    The versions are read before the inputs: a value is never older than the version it is held against. Reading may
    take `seconds`, else TimeoutError; computing for longer leaves the rest to `tally.later`.
    """
    async with asyncio.timeout(seconds):
        batch = await _read(connection, target, ids, tally)
        if not batch.ids:
            return Computed(batch, [[] for _ in target.columns])
        loading = Loading(connection, target, batch, tally, last_attempt=last_attempt)
        if target.definition.inputs_version:
            batch.input_versions = await loading.versions()
        rows = await loading.rows()
    computed = await _values(target, batch, rows, tally, watch, spending, time.monotonic() + seconds)
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
        need_settings(target.definition, row["policies"] or [])
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


async def _values(
    target: Target,
    batch: Batch,
    rows: dict[int, Mapping[str, Any]],
    tally: Tally,
    watch: Watch,
    spending: Spending,
    until: float,
) -> Computed:
    """Compute each loaded row; `rows` are by their places in the batch."""
    del spending
    ids, compute_one, begin, end = batch.ids, target.definition.compute, watch.begin, watch.end
    names = [column.name for column in target.columns]
    take, several = itemgetter(*names), len(names) > 1
    places: list[int] = []
    accepted: list[tuple[Any, ...]] = []
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
                tally.skipped[result] += 1
                tally.left.append(ids[place])
                continue
            found = take(result) if several else (take(result),)
        except BaseException as error:  # nothing that `compute` raises is the worker's end, SystemExit neither
            if isinstance(error, TransientError):
                tally.remaining[ids[place]] = texts.why(error)
            else:
                tally.failed[ids[place]] = _why(error, row, result, names)
        else:
            places.append(place)
            accepted.append(found)
    return values.written(target.columns, batch, places, accepted, tally)


def _why(error: BaseException, row: Mapping[str, Any], result: object, names: Sequence[str]) -> tuple[str, str]:
    """What went wrong, in words of the definition's author."""
    if result is NOTHING:
        if isinstance(error, KeyError):
            known = ", ".join(map(texts.clean, row.keys()))
            return "KeyError", f"nothing is found under {texts.clean(error, 200)}; the inputs have {known}"
        return texts.why(error)
    if asyncio.iscoroutine(result):
        result.close()
        return "TypeError", "compute is async; make it a plain function, and load in `load`"
    if isinstance(result, Mapping):
        missing = error.args[0] if isinstance(error, KeyError) and error.args else error
        return texts.why(error)[0], f"compute returned no {texts.clean(missing, 200)}, which is one of `columns`"
    said = "None" if result is None else type(result).__name__
    return "TypeError", f"compute returned {said}, not a mapping with {', '.join(names)}, nor a Skip"
