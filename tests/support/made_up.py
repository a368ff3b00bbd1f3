"""Definitions that a test makes up on the spot, queued and worked on in the test's own process."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock
from uuid import UUID

from backfill import ColumnBackfill, Limit, Skip, settings
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.settings import Settings
from backfill.workers.worker import Options, Worker
from tests.support.queueing import in_process
from tests.support.world import PATIENT, World


class Made(ColumnBackfill):
    """A definition whose parts are given to it; what `compute` gets is a row with all columns of the table."""

    name = "made"
    columns = ("value",)
    limit: Limit | None = None

    def __init__(
        self,
        compute: Callable[[Mapping[str, Any]], Any],
        *,
        load: Callable[[Any, Sequence[Any]], Awaitable[Any]] | None = None,
        **parts: Any,
    ) -> None:
        self.table = "box"
        self._compute = compute
        for name, part in parts.items():
            setattr(self, name, part)
        if not self.inputs:
            self.inputs = f"SELECT * FROM {self.table} WHERE {self.key} = ANY($1)"
        if load is not None:
            # `load` counts as the user's own where the class has one.
            own: Any = lambda _, connection, keys: load(connection, keys)  # noqa: E731
            self.__class__ = type(type(self).__name__, (type(self),), {"load": own})

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        found: Mapping[str, Any] | Skip = self._compute(record)
        return found


def giving(values: Mapping[Any, Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Compute by looking the record's id up."""
    return lambda record: {"value": values[record["id"]]}


@dataclass(frozen=True)
class Verdict:
    """What became of a job, from the ledger."""

    job_id: UUID
    state: str
    counts: dict[str, int]  # those that are not 0
    failed: dict[str, tuple[str, str]]
    skipped: Counter[str]
    paused: str  # why the job was paused
    said: list[str]  # by the worker


def configured(world: World, **env: str) -> Settings:
    with mock.patch.dict(os.environ, world.env | env, clear=True):
        return settings.read()


async def queued(
    world: World, definition: ColumnBackfill, *, mode: Mode = Mode.ALL, batch_size: int = 500, **env: str
) -> UUID | None:
    """Queue a job whole; None when there was nothing to do."""
    request = Request(mode, Priority.NORMAL, "asc", batch_size, None, (), None, None)
    result = await in_process(configured(world, **env), definition, request)
    return UUID(result["job"]) if result["job"] else None


async def worked(world: World, definition: ColumnBackfill, *, concurrency: int = 1, **env: str) -> list[str]:
    """Let a worker do what there is, until nothing is left; returns what it said."""
    said: list[str] = []
    async with asyncio.timeout(120):
        await _worker(world, definition, said, concurrency, True, env).run()
    return said


@asynccontextmanager
async def working(
    world: World, definition: ColumnBackfill, *, concurrency: int = 1, **env: str
) -> AsyncIterator[list[str]]:
    """A worker beside the block, drained afterwards; gives what it says."""
    said: list[str] = []
    worker = _worker(world, definition, said, concurrency, False, env)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        try:
            yield said
        finally:
            worker.stop()


def _worker(
    world: World, definition: ColumnBackfill, said: list[str], concurrency: int, burst: bool, env: Mapping[str, str]
) -> Worker:
    options = Options(concurrency + 2, concurrency, 10_000, burst=burst, max_records=None)
    return Worker(configured(world, **PATIENT | env), {definition.name: definition}, options, said.append)


async def verdict(world: World, said: Sequence[str] = ()) -> Verdict:
    """What became of the newest job."""
    job = (await world.fetch("SELECT * FROM backfill_jobs ORDER BY created_at DESC LIMIT 1"))[0]
    sums = await world.fetch(
        "SELECT sum(records_updated) AS updated, sum(records_unchanged) AS unchanged, sum(records_skipped) AS skipped, "
        "sum(records_failed) AS failed, sum(records_deleted) AS deleted FROM backfill_partitions "
        "WHERE backfill_job_id = $1",
        job["id"],
    )
    failures = await world.fetch("SELECT * FROM backfill_failures WHERE backfill_job_id = $1", job["id"])
    reasons = await world.fetch(
        "SELECT r.key, r.value::int AS n FROM backfill_partitions p, jsonb_each_text(p.skip_reasons) r "
        "WHERE p.backfill_job_id = $1",
        job["id"],
    )
    skipped: Counter[str] = Counter()
    for row in reasons:
        skipped[row["key"]] += row["n"]
    paused = await world.value(
        "SELECT reason FROM backfill_events WHERE backfill_job_id = $1 AND event = 'job.paused' "
        "ORDER BY id DESC LIMIT 1",
        job["id"],
    )
    return Verdict(
        job["id"],
        job["state"],
        {name: int(count) for name, count in sums[0].items() if count},
        {row["record_id"]: (row["error_class"], row["error_message"]) for row in failures},
        skipped,
        paused or "",
        list(said),
    )


async def backfilled(
    world: World, definition: ColumnBackfill, *, mode: Mode = Mode.ALL, batch_size: int = 500, **env: str
) -> Verdict:
    """Queue and work a job to its end, or to where it is paused."""
    assert await queued(world, definition, mode=mode, batch_size=batch_size, **env), "nothing to do"
    return await verdict(world, await worked(world, definition, **env))


async def box(world: World, kind: str, ids: Sequence[Any] = (1, 2, 3), *, more: str = "", stored: str = "NULL") -> None:
    """A table with a column `value` of that type, and records of those ids."""
    await world.execute(f"CREATE TABLE box (id bigint PRIMARY KEY, value {kind}{', ' + more if more else ''})")
    await world.execute(f"INSERT INTO box (id, value) SELECT unnest($1::bigint[]), {stored}", list(ids))
