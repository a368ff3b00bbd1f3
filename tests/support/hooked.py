"""Backfills with hooks that leave a line in the table `hooks`, and go wrong in ways that a test chooses by `outage`."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from backfill import EndedPartition
from tests.support.definitions import Counter
from tests.support.pieces import Months

TABLE = "CREATE TABLE hooks (n bigint GENERATED ALWAYS AS IDENTITY, what text, job text)"
ENDED: deque[EndedPartition] = deque()  # of workers in the test's own process


async def prepare(connection: Any, job: Any) -> None:
    await connection.execute("INSERT INTO hooks (what, job) VALUES ('before', $1)", str(job.job_id))
    await connection.execute("SELECT pg_advisory_xact_lock_shared(77)")
    match await connection.fetchval("SELECT reason FROM outage"):
        case "before raises":
            raise ValueError("no such currency")
        case "before is refused":
            raise ConnectionRefusedError("the service is away")
        case "before exits":
            raise SystemExit(3)
        case "before commits":
            await connection.execute("COMMIT")
        case "before locks":
            await connection.execute("LOCK TABLE labels IN ACCESS EXCLUSIVE MODE NOWAIT")
        case "before sleeps":
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute("SELECT pg_sleep(60)")
        case "before is deaf":
            while True:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)


class Before(Counter):
    name = "before"

    async def before_job(self, connection: Any, job: Any) -> None:
        await prepare(connection, job)


class BeforeMonths(Months):
    name = "before_months"
    parameters: Months.Parameters

    async def before_job(self, connection: Any, job: Any) -> None:
        await prepare(connection, job)

    async def after_partition(self, partition: EndedPartition) -> None:
        ENDED.append(partition)

    async def throttle(self, connection: Any) -> str | None:
        found: str | None = await connection.fetchval("SELECT reason FROM outage")
        return found


class After(Counter):
    """A record whose base is 1 fails."""

    name = "after"
    inputs = "SELECT id, base, value FROM things WHERE id = ANY($1)"

    def compute(self, record: Any) -> Any:
        if record["base"] == 1:
            raise ValueError("not this one")
        return super().compute(record)

    async def after_partition(self, partition: EndedPartition) -> None:
        ENDED.append(partition)
        match partition.partition_key[-1]:
            case "2":
                raise ValueError("nobody listens")
            case "3":
                raise SystemExit(3)
            case "4":
                await asyncio.sleep(3600)


class Throttled(Counter):
    name = "throttled"

    async def throttle(self, connection: Any) -> Any:
        await connection.execute("INSERT INTO hooks (what) VALUES ('asked')")
        reason = await connection.fetchval("SELECT reason FROM outage")
        match reason:
            case "raises":
                raise ValueError("cannot tell")
            case "exits":
                raise SystemExit(3)
            case "number":
                return 3
            case "sleeps":
                await asyncio.sleep(3600)
            case "statement":
                await connection.fetchval("SELECT nothing FROM nowhere")
            case "commits":
                await connection.execute("COMMIT")
                return None
        return reason


class AfterPlain(Counter):
    name = "after_plain"

    def after_partition(self, partition: EndedPartition) -> None:  # type: ignore[override]
        """Not a coroutine."""
