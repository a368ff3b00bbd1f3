"""What operators do, without a process for each command, and workers that run beside the test in its own process."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock
from uuid import UUID

import asyncpg
import click
from click.testing import CliRunner

from backfill import application, settings
from backfill.commands import main as backfill
from backfill.producers.command import main as queue
from backfill.workers.worker import Options, Worker
from tests.support import world as worlds
from tests.support.definitions import GATE
from tests.support.waiting import eventually
from tests.support.world import World

BLOCKED = """
    SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


@dataclass(frozen=True)
class Answer:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object that `--json` prints."""
        found: dict[str, Any] = json.loads(self.out)
        return found


async def ask(world: World, *arguments: str, command: click.Command = backfill, **env: str) -> Answer:
    """Give `backfill …` for this world, in a thread: the command has an event loop of its own."""
    return await asyncio.to_thread(_invoke, command, arguments, _environment(world) | env)


def _invoke(command: click.Command, arguments: tuple[str, ...], env: Mapping[str, str]) -> Answer:
    result = CliRunner(env=dict(env)).invoke(command, list(arguments), prog_name=command.name)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


async def done(world: World, *arguments: str, **env: str) -> Answer:
    """The same for a command that succeeds."""
    answer = await ask(world, *arguments, **env)
    assert answer.code == 0, (arguments, answer)
    return answer


async def queued(world: World, *arguments: str, **env: str) -> UUID:
    """Open a job with `backfill-queue` and queue it whole."""
    answer = await ask(world, *(arguments or ("--mode=all", "--batch-size=10")), "--json", command=queue, **env)
    assert answer.code == 0, answer
    return UUID(answer.json["job"])


@asynccontextmanager
async def working(
    world: World,
    count: int = 1,
    *,
    concurrency: int = 1,
    say: Callable[[str], None] = lambda _: None,
    **env: str,
) -> AsyncIterator[list[Worker]]:
    """So many workers of the world's definition, drained afterwards."""
    with mock.patch.dict(os.environ, _environment(world) | worlds.PATIENT | worlds.AT_LOCKS | env, clear=True):
        read = settings.read()
    definitions = application.load(read.app)
    options = Options(concurrency + 2, concurrency, 10_000, burst=False, max_records=None)
    workers = [Worker(read, definitions, options, say) for _ in range(count)]
    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(worker.run())
        try:
            yield workers
        finally:
            for worker in workers:
                worker.stop()


@asynccontextmanager
async def closed_gate(world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """Let nothing of the definition `gated` get past its inputs within the block."""
    async with world.session() as session:
        await session.execute("SELECT pg_advisory_lock($1)", GATE)
        yield session
        await session.execute("SELECT pg_advisory_unlock($1)", GATE)


async def completed(world: World, count: int, deadline: float = 60) -> None:
    """Wait until at least so many partitions are completed."""

    async def reached() -> bool:
        states = await world.partitions()
        assert states["completed"] >= count, states
        return True

    await eventually(reached, deadline=deadline, what=f"{count} completed partitions")


@asynccontextmanager
async def under_way(world: World, *, partitions: int = 12, workers: int = 1) -> AsyncIterator[UUID]:
    """A job of ten records a partition, with the first three completed, whose workers rest long after each from now on.

    So it does not end before a test has done with it what it wants; `go_on` lets it.
    """
    await world.rows(partitions * 10)
    job = await queued(world)
    await world.execute("UPDATE backfill_jobs SET pause_ms = 300")
    async with working(world, workers):
        await completed(world, 3)
        await world.execute("UPDATE backfill_jobs SET pause_ms = 10000")
        yield job


async def go_on(world: World) -> None:
    """Let workers rest no more after a partition."""
    await world.execute("UPDATE backfill_jobs SET pause_ms = 0")


async def idle(world: World) -> None:
    """Wait until nothing is in hand."""
    await until_held(world, 0)


async def starts(world: World) -> int:
    """How often a partition was started, of all jobs."""
    found: int = await world.value("SELECT coalesce(sum(attempt_count), 0) FROM backfill_partitions")
    return found


async def until(world: World, state: str, job_id: UUID | None = None, deadline: float = 60) -> None:
    """Wait until the job, or the newest one, is in that state."""

    async def reached() -> bool:
        now = await world.value("SELECT state FROM backfill_jobs WHERE id = $1", job_id or await world.job())
        assert now == state, f"{now} with {await world.partitions()}"
        return True

    await eventually(reached, deadline=deadline, what=f"a job that is {state}")


async def another_round(world: World, backfill: str) -> None:
    """Wait until the worker that leads the backfill has begun its next round."""
    ends = "SELECT max(expires_at) FROM backfill_leases WHERE name = $1"
    before = await world.value(ends, f"reconciler/{backfill}")

    async def later() -> bool:
        now = await world.value(ends, f"reconciler/{backfill}")
        return bool(now is not None and (before is None or now > before))

    await eventually(later, what="another round")


async def until_held(world: World, count: int, deadline: float = 60) -> None:
    """Wait until workers hold so many partitions."""

    async def held() -> bool:
        states = await world.partitions()
        assert states["running"] == count, states
        return True

    await eventually(held, deadline=deadline, what=f"{count} partitions in hand")


async def history(world: World, job_id: UUID) -> list[tuple[str, str | None, str | None]]:
    """The events of a job: what, from, to."""
    rows = await world.fetch(
        "SELECT event, from_state, to_state FROM backfill_events WHERE backfill_job_id = $1 ORDER BY id", job_id
    )
    return [tuple(row) for row in rows]


async def counted_once(world: World, records: int) -> None:
    """Every record was written exactly once, by a worker."""
    assert await world.value("SELECT count(*) FROM things WHERE value = 1") == records
    assert await world.value("SELECT count(*) FROM audit WHERE who LIKE 'worker %'") == records


async def in_state(world: World, state: str) -> UUID:
    """A job of two partitions in that state, with no worker beside it."""
    await world.rows(20)
    job = await queued(world)
    if state == "completed":
        async with working(world):
            await until(world, "completed")
    elif state in ("running", "paused", "resuming"):
        await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now(), running_since = now()")
    if state in ("paused", "resuming"):
        await done(world, "pause", "latest")
    if state == "resuming":
        await done(world, "resume", "latest")
    elif state == "cancelled":
        await done(world, "cancel", "latest", "--reason", "not wanted")
    assert await world.state() == state
    return job


async def is_paused_after_two_of_six(world: World) -> None:
    """The job's row says so soon; within a second or two where the machine has time."""

    async def told() -> bool:
        row = (await world.fetch("SELECT * FROM backfill_jobs"))[0]
        assert (row["state"], row["completed_partitions"], row["records_updated"]) == ("paused", 2, 20)
        assert row["paused_at"] is not None
        assert row["checkpoint_partition_key"] == await world.value(
            "SELECT max(partition_key) FROM backfill_partitions WHERE partition_key < "
            "(SELECT min(partition_key) FROM backfill_partitions WHERE completed_at IS NULL)"
        )
        assert row["estimated_completion_at"] is row["earliest_completion_at"] is row["latest_completion_at"] is None
        return True

    await eventually(told)


async def with_failures(world: World, *, partitions: int = 4) -> UUID:
    """A completed job of `poison` in which records 5 and 15 failed."""
    world.definition = "Poison"
    await world.rows(partitions * 10, base="CASE WHEN id IN (5, 15) THEN 1 ELSE 0 END")
    job = await queued(world)
    async with working(world):
        await until(world, "completed")
    assert await world.value("SELECT count(*) FROM backfill_failures") == 2
    return job


async def three_paused(world: World) -> list[UUID]:
    """Three paused jobs of one partition."""
    await world.rows(30)
    jobs = [await queued(world, "--mode=all", f"--id={n}") for n in (1, 2, 3)]
    await world.execute("UPDATE backfill_jobs SET state = 'running', started_at = now()")
    await done(world, "pause", "--all", "--yes")
    return jobs


def _environment(world: World) -> dict[str, str]:
    # A worker that waits at the gate is not in anybody's way.
    return world.env | {"BACKFILL_APP": worlds.application(world.definition), "BACKFILL_LOCK_TIMEOUT_MS": "30000"}
