"""What it costs workers that people look at their job, and what looking at a large job takes."""

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from statistics import quantiles
from typing import Final

import asyncpg

from backfill.ledger import jobs
from benchmarks import pages, sql, toolkit
from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_least, at_most, ratios

STREAMS: Final = 50
ASKED: Final = 200
NOTE: Final = (
    f"the page is open: {STREAMS} streams of the job and a page that asks for the rest, all on the same machine; "
    "in turns, each run on a fresh copy"
)


def measure(bench: Bench) -> Iterator[Figure]:
    records = bench.options.scale
    alone, seen = [], []
    for _ in range(max(3, bench.options.runs)):
        alone.append(_worked(bench, records, is_seen=False))
        seen.append(_worked(bench, records, is_seen=True))
    without, beside = (tuple(records / seconds for seconds in many) for many in (alone, seen))
    yield Figure("page", f"one worker, {records:,} killmails", "/s", without, note=NOTE)
    yield Figure("page", f"the same with {STREAMS} streams", "/s", beside)
    yield Figure("page", "with the page open ÷ without", "×", ratios(beside, without), at_least(0.98))
    milliseconds = _asked(bench, bench.options.partitions)
    name = f"GET /jobs/ID, {bench.options.partitions:,} partitions"
    yield Figure("page", f"{name}, p95", "ms", (quantiles(milliseconds, n=20)[-1],), at_most(20))
    yield Figure("page", f"{name}, median", "ms", (quantiles(milliseconds, n=2)[0],))


def _worked(bench: Bench, records: int, *, is_seen: bool) -> float:
    template = bench.arena.template("killmails", records)
    with bench.arena.site(template) as site:
        looking = pages.looked_at(site, STREAMS) if is_seen else nullcontext()
        seconds = toolkit.work(site, toolkit.KILLMAILS, records, beside=looking).seconds
        bench.check(site, template, records)
    bench.say(f"{'with the page open' if is_seen else 'without'}, {records:,} killmails: {seconds:.2f} s")
    return seconds


def _asked(bench: Bench, partitions: int) -> list[float]:
    """Milliseconds of requests for one job; the roll-up has counted it once, as a worker's would."""
    with bench.arena.site(bench.arena.template("plain_ids", 1)) as site:
        job = asyncio.run(_made(site.database_url, partitions))
        with pages.serving(site) as url:
            seconds = pages.asked(url, f"/jobs/{job}", ASKED)
    return [1_000 * one for one in seconds]


async def _made(url: str, partitions: int) -> str:
    connection = await asyncpg.connect(url, timeout=30, server_settings={"app.current_tenant": "default"})
    try:
        made = await connection.fetch(sql.read("partitions"), partitions, timeout=sql.SECONDS)
        await connection.execute("VACUUM ANALYZE backfill_partitions", timeout=sql.SECONDS)
        await jobs.roll_up(connection, made[0]["backfill_job_id"])
        return str(made[0]["backfill_job_id"])
    finally:
        await connection.close()
