"""What ledger, audit, table and dead queue say when a storm is over."""

import struct
from dataclasses import dataclass
from typing import Any

import asyncpg

from backfill.modes import Mode
from backfill.topology import Topology
from tests.storm import amqp, keys
from tests.storm.storm import Storm
from tests.storm.work import WHERE

JOBS = """
    SELECT *, extract(epoch FROM created_at)::float8 AS opened, extract(epoch FROM completed_at)::float8 AS ended
    FROM backfill_jobs ORDER BY created_at
"""
PARTITIONS = """
    SELECT *, extract(epoch FROM completed_at)::float8 AS ended FROM backfill_partitions ORDER BY partition_key
"""


@dataclass(frozen=True)
class Facts:
    jobs: list[asyncpg.Record]
    partitions: dict[Any, list[asyncpg.Record]]  # by job
    failures: dict[Any, dict[str, asyncpg.Record]]  # by job and key
    events: list[asyncpg.Record]
    audit: list[asyncpg.Record]
    rows: dict[int, asyncpg.Record]  # by n
    within: dict[Any, set[int]]  # n of those up to the job's highest key, by job
    dead: list[bytes]
    calls: list[float]  # of the service: when each came, in their order


async def read(storm: Storm) -> Facts:
    schedule = storm.schedule
    async with storm.session("looker") as connection:
        fetch = connection.fetch
        jobs = await fetch(JOBS)
        partitions: dict[Any, list[asyncpg.Record]] = {job["id"]: [] for job in jobs}
        for row in await fetch(PARTITIONS):
            partitions[row["backfill_job_id"]].append(row)
        failures: dict[Any, dict[str, asyncpg.Record]] = {job["id"]: {} for job in jobs}
        for row in await fetch("SELECT * FROM backfill_failures"):
            failures[row["backfill_job_id"]][row["record_id"]] = row
        key = keys.text(schedule.key, "t")
        # In mode null and zero, what the mode would still select.
        wanted = WHERE if schedule.work.has_where else "true"
        matches = f"{Mode(schedule.mode).predicate('t.value')} AND {wanted}"
        rows = await fetch(f"SELECT t.n, {key} AS key, t.base, {matches} AS matches, {wanted} AS wanted FROM things t")
        return Facts(
            jobs=jobs,
            partitions=partitions,
            failures=failures,
            events=await fetch("SELECT * FROM backfill_events ORDER BY id"),
            audit=await fetch("SELECT * FROM audit ORDER BY at"),
            rows={row["n"]: row for row in rows},
            within={job["id"]: await _within(connection, storm, job) for job in jobs},
            dead=await _dead(storm),
            calls=_calls(storm),
        )


async def _within(connection: "asyncpg.Connection[Any]", storm: Storm, job: asyncpg.Record) -> set[int]:
    key = storm.schedule.key
    if storm.schedule.work.way == "keys":  # what its definition names, to the last
        return {row["n"] for row in await connection.fetch("SELECT n FROM things")}
    upper = (
        [f"$1::text::{key[0]}"]
        if len(key) == 1
        else [f"(($1::text)::text[])[{place}]::{kind}" for place, kind in enumerate(key, start=1)]
    )
    found = await connection.fetch(
        f"SELECT n FROM things WHERE ({', '.join(keys.names(key))}) <= ({', '.join(upper)})", job["upper_key"]
    )
    return {row["n"] for row in found}


async def _dead(storm: Storm) -> list[bytes]:
    async with amqp.connected(storm.place.amqp_url) as connection:
        return await amqp.bodies(connection, Topology("storm").dead_queue)


def _calls(storm: Storm) -> list[float]:
    if not storm.calls.exists():
        return []
    return sorted(at for (at,) in struct.iter_unpack("d", storm.calls.read_bytes()))
