"""Where a world is worked on: one database and one virtual host, and real queueing and working in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from backfill import ColumnBackfill
from backfill.errors import SchemaError, UsageError
from backfill.ledger.jobs import Request
from backfill.modes import Mode, Priority
from backfill.settings import Settings
from backfill.workers.worker import Options, Worker
from tests.support import databases
from tests.support.queueing import in_process

NAME = "world"  # of every definition here: its queues are declared once
SECONDS = 120.0  # whatever has not ended by then never ends


@dataclass(frozen=True)
class Verdict:
    """How a job ended."""

    refusal: str = ""  # one line, when the job did not open
    failed: Mapping[str, str] = field(default_factory=dict)  # by the key's text
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Arena:
    connection: "asyncpg.Connection[Any]"
    settings: Settings

    async def execute(self, *statements: str) -> None:
        for statement in statements:
            await self.connection.execute(statement)

    @asynccontextmanager
    async def schema(self) -> AsyncIterator[None]:
        """A schema `w` for one case, gone with everything in it afterwards."""
        await self.execute("CREATE SCHEMA w")
        try:
            yield
        finally:
            await self.execute("DROP SCHEMA w CASCADE", "DELETE FROM backfill_jobs")

    async def judge(self, definition: ColumnBackfill, *, rows: int, **request: Any) -> Verdict:
        """Queue and work one job; fails unless it was refused in one line, or ended with every record accounted for."""
        wanted = {"mode": Mode.ALL, "order": "asc", "batch_size": 10, "limit": None, "ids": (), "after": None} | request
        said: list[str] = []
        async with asyncio.timeout(SECONDS):
            full = Request(priority=Priority.NORMAL, idempotency_key=None, **wanted)
            refusal = ""
            try:
                await in_process(self.settings, definition, full)
            except (SchemaError, UsageError) as error:
                refusal = str(error)
            if refusal:
                assert "\n" not in refusal
                assert not await self.connection.fetchval("SELECT count(*) FROM backfill_partitions"), refusal
                return Verdict(refusal=refusal)
            await Worker(self.settings, {NAME: definition}, Options(3, 1, 10**9, True, None), said.append).run()
        return await self._verdict(rows, said)

    async def _verdict(self, rows: int, said: list[str]) -> Verdict:
        jobs = await self.connection.fetch("SELECT * FROM backfill_jobs")
        if not jobs:
            return Verdict()  # nothing matched
        job = jobs[0]
        context = f"{job['state']}: {job['error_message']}; {said}"
        assert job["state"] == "completed", context
        assert not job["records_replanned"], context
        planned = await self.connection.fetch("SELECT unnest(record_ids) AS id FROM backfill_partitions")
        assert len({row["id"] for row in planned}) == len(planned) == job["records_matched"] <= rows, context
        assert not any("Traceback" in line or "\n" in line for line in said), context
        failures = await self.connection.fetch("SELECT record_id, error_class, error_message FROM backfill_failures")
        failed = {row["record_id"]: f"{row['error_class']}: {row['error_message']}" for row in failures}
        names = ("updated", "unchanged", "skipped", "failed", "deleted")
        counts = {name: job[f"records_{name}"] for name in names}
        assert len(failed) == len(failures) == counts["failed"], context
        assert sum(counts.values()) == len(planned), context
        return Verdict(failed=failed, counts=counts)


@asynccontextmanager
async def open_arena(server_url: str, amqp_url: str) -> AsyncIterator[Arena]:
    """A database with the ledger and every extension that the server can make."""
    async with databases.new_database(server_url) as url:
        await databases.apply_ledger(url)
        connection = await asyncpg.connect(url, timeout=10, statement_cache_size=0)
        try:
            for row in await connection.fetch("SELECT name FROM pg_available_extensions ORDER BY name"):
                await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{row["name"]}" CASCADE')
            settings = Settings(
                database_url=url,
                rabbitmq_url=amqp_url,
                lease_seconds=60,
                reconcile_seconds=0.5,
                retry_delays=(0.1, 0.1),
                failed_minimum=1_000_000,
            )
            yield Arena(connection, settings)
        finally:
            await connection.close(timeout=5)


def definition(
    table: str,
    key: str | tuple[str, ...],
    columns: tuple[str, ...],
    inputs: str,
    compute: Callable[[Mapping[str, Any]], Any],
    **more: Any,
) -> ColumnBackfill:
    """A definition as a user's class would be."""
    body = {"name": NAME, "table": table, "key": key, "columns": columns, "inputs": inputs, **more}
    made: type[ColumnBackfill] = type(
        "Case", (ColumnBackfill,), {**body, "compute": lambda self, record: compute(record)}
    )
    return made()
