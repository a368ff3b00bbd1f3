"""`python -m benchmarks.operations [--times N]`: how soon a running job obeys, and what becomes of a killed worker.

Three workers with the default settings on durable services of the benchmark's own; every verb is the command itself,
so that each time holds the start of its process. Each figure is the worst but one in a hundred of N.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock
from uuid import UUID

import asyncpg

from backfill import ColumnBackfill, Skip, door
from backfill import settings as settings_module
from backfill.ledger import operations
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.producers.parts import built
from backfill.producers.queueing import queue
from backfill.producers.screen import Screen
from backfill.settings import Settings
from benchmarks import commands, machine, sql, table
from benchmarks.arena import Site, arena
from benchmarks.figures import Figure, Target, at_most
from benchmarks.parser import Parser

RECORDS = 200_000
BATCH = 10
WORKERS = 3
JOBS = 200
QUIET_SECONDS = 0.5  # so long nothing may start before it counts as obeyed
DEADLINE = 120.0


class Ticks(ColumnBackfill):
    """A partition takes a twentieth of a second, whatever the machine."""

    name = "ticks"
    table = "ticks"
    columns = ("value",)
    inputs = "SELECT t.id FROM ticks t, (SELECT pg_sleep(0.05)) AS nap WHERE id = ANY($1)"

    def compute(self, record: Mapping[str, Any]) -> Mapping[str, Any] | Skip:
        """Any value will do."""
        return {"value": record["id"] % 1000}


class Floor:
    """A database with a job to steer, three workers on it, and the commands."""

    def __init__(self, site: Site, connection: "asyncpg.Connection[Any]", settings: Settings) -> None:
        self._site = site
        self._settings = settings
        self.connection = connection

    async def queue(self, *ids: int, batch: int = BATCH) -> UUID:
        """Open a job over all records, or over those."""
        request = Request(Mode.ALL, Priority.NORMAL, "asc", batch, None, tuple(map(str, ids)), None, None)
        async with built(self._settings, Screen(silent=True)) as parts:
            result = await queue(parts, Ticks(), request)
        return UUID(result["job"])

    @contextmanager
    def working(self) -> Iterator[None]:
        with ExitStack() as stack:
            for _ in range(WORKERS):
                stack.enter_context(commands.Command([commands.script("backfill-worker")], self._site.environment))
            yield

    async def command(self, *arguments: str) -> float:
        """Run `backfill …` and return how long it took."""
        command = [commands.script("backfill"), *arguments]
        outcome = await asyncio.to_thread(commands.run, command, self._site.environment, deadline=DEADLINE)
        return outcome.seconds

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self.connection.fetchval(statement, *arguments)

    async def until(self, what: str, condition: Callable[[], Awaitable[bool]], deadline: float = DEADLINE) -> float:
        """Wait for the condition and return how long that took."""
        began = time.perf_counter()
        while not await condition():
            if time.perf_counter() - began > deadline:
                raise commands.CommandError(f"{what} did not come true within {deadline:.0f} s")
            await asyncio.sleep(0.01)
        return time.perf_counter() - began

    async def until_value(self, statement: str, wanted: Any, *arguments: Any) -> float:
        async def equal() -> bool:
            return bool(await self.value(statement, *arguments) == wanted)

        return await self.until(f"{statement} = {wanted}", equal)

    async def stands_still(self) -> tuple[float, int]:
        """Seconds until nothing is in hand, and how many partitions were started from now on."""
        fence = await self.value("SELECT last_value FROM backfill_fence_seq")
        seconds = await self.until_value("SELECT count(*) FROM backfill_partitions WHERE state = 'running'", 0)
        await asyncio.sleep(QUIET_SECONDS)
        return seconds, await self.value("SELECT last_value FROM backfill_fence_seq") - fence

    async def holders(self) -> int:
        found: int = await self.value(
            "SELECT count(DISTINCT worker_id) FROM backfill_partitions WHERE state = 'running'"
        )
        return found


async def pauses(floor: Floor, times: int) -> list[Figure]:
    """Pause and resume one long job again and again."""
    job = await floor.queue()
    taken, rest, started = [], [], 0
    with floor.working():
        for _ in range(times):
            await floor.until_value("SELECT state FROM backfill_jobs WHERE id = $1", "running", job)
            await floor.until_value("SELECT count(*) > 2 FROM backfill_partitions WHERE state = 'running'", True)
            taken.append(await floor.command("pause", str(job)))
            seconds, more = await floor.stands_still()
            rest.append(seconds)
            started += more
            await floor.command("resume", str(job))
    await floor.command("cancel", str(job), "--reason", "measured")
    return [
        _worst("pause", "command returns, nothing starts any more", taken, at_most(2)),
        _worst("pause", "then nothing in hand", rest, at_most(2), f"{started} partitions started after {times} pauses"),
    ]


async def cancels(floor: Floor, times: int) -> list[Figure]:
    """Cancel as many jobs, each in the middle."""
    taken, rest, started = [], [], 0
    with floor.working():
        for _ in range(times):
            job = await floor.queue(*range(1, 1001))
            await floor.until_value("SELECT state FROM backfill_jobs WHERE id = $1", "running", job)
            taken.append(await floor.command("cancel", str(job), "--reason", "measured"))
            seconds, more = await floor.stands_still()
            rest.append(seconds)
            started += more
    return [
        _worst("cancel", "command returns, nothing starts any more", taken, at_most(2)),
        _worst(
            "cancel", "then nothing in hand", rest, at_most(2), f"{started} partitions started after {times} cancels"
        ),
    ]


async def settings(floor: Floor, times: int) -> list[Figure]:
    """Limit the workers to one, and lift the limit, again and again."""
    job = await floor.queue()
    down, up = [], []

    async def one() -> bool:
        return await floor.holders() <= 1

    async def several() -> bool:
        return await floor.holders() > 1

    with floor.working():
        await floor.until("several workers", several)
        for _ in range((times + 1) // 2):
            await floor.command("set", str(job), "--max-workers", "1")
            down.append(await floor.until("one worker", one))
            await floor.command("set", str(job), "--max-workers", "0")
            up.append(await floor.until("several workers", several))
    await floor.command("cancel", str(job), "--reason", "measured")
    return [
        _worst("set", "--max-workers 1 returned, then one worker holds partitions", down, at_most(2)),
        _worst("set", "--max-workers 0 returned, then several hold some", up, at_most(2)),
    ]


async def killed_worker(floor: Floor, _: int) -> list[Figure]:
    """Kill a worker with partitions in hand; the others do them once its lease has ended."""
    job = await floor.queue(*range(1, 9001))
    with floor.working():

        async def several() -> bool:
            return await floor.holders() == WORKERS

        await floor.until("partitions in every worker's hands", several)
        victim = await floor.value(
            "SELECT pid FROM backfill_workers WHERE stopped_at IS NULL ORDER BY started_at LIMIT 1"
        )
        began = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        orphans = await floor.value(
            "SELECT array_agg(p.id) FROM backfill_partitions p JOIN backfill_workers w ON w.id = p.worker_id "
            "WHERE w.pid = $1 AND p.state = 'running'",
            victim,
        )
        if not orphans:
            raise commands.CommandError("the killed worker had nothing in hand; run again")
        await floor.until_value(
            "SELECT count(*) FROM backfill_partitions WHERE id = ANY ($1) AND state <> 'completed'", 0, orphans
        )
        seconds = time.perf_counter() - began
        await floor.until_value("SELECT state FROM backfill_jobs WHERE id = $1", "completed", job)
    measured = f"its {len(orphans)} partitions done by others"
    return [Figure("killed worker", measured, "s", (seconds,), at_most(90))]


async def many_jobs(floor: Floor, _: int) -> list[Figure]:
    """Pause and resume many small jobs; none may stay behind in any state."""
    began = time.perf_counter()
    with floor.working():
        for number in range(JOBS):
            job = await floor.queue(*range(number * 40 + 1, number * 40 + 41), batch=1)
            await floor.until_value("SELECT state FROM backfill_jobs WHERE id = $1", "running", job)
            await operations.pause(floor.connection, job, actor="benchmark")
        paused = await floor.value("SELECT count(*) FROM backfill_jobs WHERE state = 'paused'")
        await floor.command("resume", "--all", "--state", "paused", "--yes")
        await floor.until_value("SELECT count(*) FROM backfill_jobs WHERE completed_at IS NULL", 0)
    left = await floor.value(
        "SELECT count(*) FROM backfill_jobs WHERE array_length(record_ids, 1) = 40 AND state <> 'completed'"
    )
    note = f"of {paused} jobs that were paused and resumed, {left} are stuck in a state"
    return [Figure("many jobs", "from the first to the last", "s", (time.perf_counter() - began,), note=note)]


def _worst(section: str, measured: str, seconds: list[float], target: Target, note: str = "") -> Figure:
    """The 99th percentile: of fifty, the slowest."""
    ordered = sorted(seconds)
    worst = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return Figure(section, f"{measured} (p99 of {len(ordered)})", "s", (worst,), target, note)


async def measure(site: Site, times: int) -> list[Figure]:
    """Make the table and the ledger, and measure one verb after another."""
    environment = site.environment | {"BACKFILL_APP": "benchmarks.operations:Ticks"}
    with mock.patch.dict(os.environ, environment, clear=True):
        # As many jobs at once as are to be measured, which no setting allows.
        read = settings_module.read().model_copy(update={"max_jobs": JOBS})
    connection = await asyncpg.connect(site.database_url, timeout=30)
    try:
        await connection.execute("CREATE TABLE ticks (id bigint PRIMARY KEY, value integer)")
        await connection.execute(f"INSERT INTO ticks (id) SELECT generate_series(1, {RECORDS})")
        floor = Floor(Site(site.database_url, site.amqp_url, environment), connection, read)
        await floor.command("init")
        figures: list[Figure] = []
        for part in (pauses, cancels, settings, killed_worker, many_jobs):
            figures += await part(floor, times)
            door.line(f"{figures[-1].section}: measured", beside=True)
        return figures
    finally:
        await connection.close()


def main() -> int:
    parser = Parser(prog="python -m benchmarks.operations", description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="how often each verb is measured (default: 50)")
    arguments = parser.parse_args()
    with arena() as place:
        facts = machine.facts(place)
        sql.execute(place.services.database_url, "CREATE DATABASE operations")
        with place.site("operations") as site:
            figures = asyncio.run(measure(site, arguments.times))
    door.lines(f"{table.facts(facts)}\n\n{table.table(figures)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
