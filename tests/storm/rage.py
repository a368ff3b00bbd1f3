"""The events of a schedule, from the first process to the last event."""

import asyncio
import contextlib
from random import Random

from tests.storm import table, work
from tests.storm.application import TROUBLES
from tests.storm.dice import OPENINGS, PRIVATE
from tests.storm.events import EVENTS
from tests.storm.storm import Storm
from tests.support.waiting import eventually

SLOW = PRIVATE | set(OPENINGS)


async def _eventful(storm: Storm) -> None:
    """Let the events of the schedule happen, each at its time, and wait for their ends."""

    async def happen(at: float, name: str, seed: int) -> None:
        await asyncio.sleep(at)
        storm.note(name)
        try:
            async with asyncio.timeout(40 if name in SLOW else 15):
                await EVENTS[name](storm, Random(seed))
        except (*TROUBLES, TimeoutError) as error:  # the owner's own statements may be in each other's way
            storm.note(f"{name}: {type(error).__name__}: {error}")

    async with asyncio.TaskGroup() as group:
        group.create_task(happen(0, storm.schedule.opening, storm.schedule.seed))
        if not storm.schedule.is_early:
            await _until_opened(storm)
        for event in storm.schedule.events:
            group.create_task(happen(event.at, event.name, event.seed))


async def _until_opened(storm: Storm) -> None:
    """Wait for the first job, or the end of the producer that did not open one."""
    producer = next(one for one in storm.fleet.commands if one.command[0] == "backfill-queue")

    async def is_opened() -> bool:
        return producer.returncode is not None or bool(await storm.fetch("SELECT FROM backfill_jobs"))

    await eventually(is_opened, what="a job")


async def rage(storm: Storm) -> None:
    """Set the table up, begin, and let the events happen; afterwards nothing disturbs any more."""
    schedule = storm.schedule
    async with storm.session("loader") as connection:
        await table.create(connection, schedule, survives_crashes=schedule.needs_private)
    supervisor = asyncio.create_task(storm.fleet.supervise())
    application = asyncio.create_task(storm.application.run())
    try:
        stands = schedule.opening in ("zombie", "overtaken")
        has_values = work.failpoint(schedule.work, "worker.after_compute=stop@3")
        storm.fleet.worker(0, has_values if stands else schedule.worker_failpoint)
        storm.fleet.start("backfill-queue", *storm.request(), failpoint=schedule.producer_failpoint)
        await _eventful(storm)
        storm.note("calm")
    finally:
        application.cancel()
        supervisor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await application
        with contextlib.suppress(asyncio.CancelledError):
            await supervisor
