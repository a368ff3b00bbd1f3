"""What counting and looking cost beside a job of many partitions, some of which end in between."""

import asyncio
import time
from collections.abc import Iterator
from statistics import quantiles
from typing import Any, Final

import asyncpg

from backfill.ledger import jobs, progress
from benchmarks import sql
from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most

ENDING: Final = (200, 1_000)  # partitions between two counts: what a worker ends in a second, and five of them
LOOKS: Final = 100
MOST_MS: Final = {"roll-up": 5, "progress": 20}  # p95
NOTE: Final = f"{LOOKS} times; half of the job had ended before the first"


def measure(bench: Bench) -> Iterator[Figure]:
    partitions = bench.options.partitions
    for ending in ENDING:
        with bench.arena.site(bench.arena.template("plain_ids", 1)) as site:
            counted, looked = asyncio.run(_measured(site.database_url, partitions, ending))
        for name, seconds in (("roll-up", counted), ("progress", looked)):
            p95 = 1_000 * quantiles(seconds, n=20)[-1]
            middle = 1_000 * quantiles(seconds, n=2)[0]
            called = f"{name} of {partitions:,} partitions, {ending:,} ended since"
            bench.say(f"{called}: {middle:.1f} ms, p95 {p95:.1f} ms")
            yield Figure("ledger", f"{called}, p95", "ms", (p95,), at_most(MOST_MS[name]), note=NOTE)
            yield Figure("ledger", f"{called}, median", "ms", (middle,))


async def _measured(url: str, partitions: int, most: int) -> tuple[list[float], list[float]]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        url, timeout=30, server_settings={"app.current_tenant": "default"}
    )
    try:
        made = await connection.fetch(sql.read("partitions"), partitions, timeout=sql.SECONDS)
        job = made[0]["backfill_job_id"]
        await connection.execute("VACUUM ANALYZE backfill_partitions", timeout=sql.SECONDS)
        await jobs.roll_up(connection, job)
        counted, looked = [], []
        ending = min(most, max(1, partitions // (2 * LOOKS)))
        for _ in range(LOOKS):
            await connection.execute(sql.read("end_partitions"), job, ending)
            began = time.perf_counter()
            await progress.read(connection, job)
            looked.append(time.perf_counter() - began)
            began = time.perf_counter()
            await jobs.roll_up(connection, job)
            counted.append(time.perf_counter() - began)
        return counted, looked
    finally:
        await connection.close()
