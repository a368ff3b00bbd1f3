"""After the events: everything works again, operators do what a person would, and every job has to end in time."""

import asyncio
import contextlib
import time
from collections import Counter
from typing import Final

from backfill.modes import Priority
from backfill.topology import Topology, milliseconds
from tests.storm import amqp
from tests.storm.events.tables import restore_column
from tests.storm.storm import SETTINGS, Storm

BOUND_SECONDS: Final = 60.0
MOST_RESUMES: Final = 5
ACTIVE: Final = ("pending", "running", "paused", "resuming")
SESSIONS = """
    SELECT pid, application_name, state, wait_event, pg_blocking_pids(pid) AS waits_for, left(query, 200) AS query,
           extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
OPEN = """
    SELECT id::text, state, priority, planned_at IS NULL AS unplanned, error_message,
           (SELECT jsonb_object_agg(state, n) FROM (
               SELECT state, count(*) AS n FROM backfill_partitions WHERE backfill_job_id = j.id GROUP BY state) s)
               AS partitions
    FROM backfill_jobs j WHERE completed_at IS NULL OR EXISTS (
        SELECT FROM backfill_partitions WHERE backfill_job_id = j.id AND state = 'running')
"""


async def settle(storm: Storm) -> None:
    """Put right what the storm has left, and wait for the end of every job, of every message and of every process."""
    supervisor = asyncio.create_task(storm.fleet.supervise())
    try:
        await _put_right(storm)
        await _until_ended(storm)
        await _until_empty(storm)
    finally:
        supervisor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await supervisor
    await storm.fleet.drain()


async def _put_right(storm: Storm) -> None:
    storm.fleet.thaw()
    for producer in storm.fleet.commands:
        if producer.command[0] == "backfill-queue":
            await producer.wait()
    await restore_column(storm)
    if not await storm.fetch("SELECT FROM backfill_jobs"):
        await storm.queue()  # its producer died before it had opened one


async def _until_ended(storm: Storm) -> None:
    until, resumed = time.monotonic() + BOUND_SECONDS, Counter[str]()
    while jobs := await storm.fetch(OPEN):
        if time.monotonic() > until:
            storm.faults += [f"after {BOUND_SECONDS:g} s there is still {dict(job)}" for job in jobs]
            for session in await storm.fetch(SESSIONS):
                storm.note(f"session {dict(session)}")
            return
        storm.fleet.thaw()  # a failpoint may come late
        for job in jobs:
            # Paused by an operator who was cut off, or by a worker that could not go on.
            if job["state"] == "paused" and resumed[job["id"]] < MOST_RESUMES:
                resumed[job["id"]] += 1
                await storm.command("resume", job["id"])
            to_plan = job["unplanned"] and job["state"] in ACTIVE and resumed[job["id"]] < MOST_RESUMES
            if to_plan and not await _is_led(storm, job["id"]):
                resumed[job["id"]] += 1
                await storm.queue("--resume", job["id"])
        await asyncio.sleep(0.3)


async def _is_led(storm: Storm, job: str) -> bool:
    """Whether a producer plans it; the lease of one that is gone would last for half a minute, and is ended here."""
    if any(one.returncode is None for one in storm.fleet.commands if one.command[0] == "backfill-queue"):
        return True
    async with storm.session("operator") as connection:
        await connection.execute(
            "UPDATE backfill_jobs SET producer_lease_until = clock_timestamp() WHERE id = $1::text::uuid", job
        )
    return False


async def _until_empty(storm: Storm) -> None:
    until = time.monotonic() + 30
    topology = Topology("storm")
    delays = {milliseconds(float(delay)) for delay in SETTINGS["BACKFILL_RETRY_DELAYS"].split(",")}
    names = {topology.queue(priority) for priority in Priority} | {topology.delay_queue(one) for one in delays}
    while left := await depths(storm, names):
        if time.monotonic() > until:
            storm.faults.append(f"queues are not empty: {left}")
            return
        await asyncio.sleep(0.2)


async def depths(storm: Storm, names: set[str]) -> dict[str, int]:
    """Messages ready in those of these queues that hold any."""
    try:
        async with amqp.connected(storm.place.amqp_url) as connection:
            found = {name: await amqp.depth(connection, name) for name in names}
    except amqp.AWAY as error:
        storm.note(f"depths: {error}")
        return {"unknown": 1}
    return {name: ready for name, ready in found.items() if ready}
