"""A job of ours, as the ledger has it."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

from backfill.errors import BackfillError
from backfill.monitor.databases import OWN, looked_into, milliseconds
from backfill.monitor.profile import JobSource, Profile
from backfill.monitor.readings import (
    MOST_EXAMPLES,
    MOST_OF_A_LINE,
    Happened,
    Job,
    Line,
    Measure,
    Problem,
    Reading,
    Remembered,
    Worker,
)
from backfill.monitor.surroundings import Surroundings
from backfill.texts import clean, counted, one_line

if TYPE_CHECKING:
    from uuid import UUID

    from backfill.database import Connection
    from backfill.ledger.progress import Progress

SECONDS: Final = 4.0  # for all of it
STATEMENT_SECONDS: Final = 3.0
LOCK_SECONDS: Final = 1.0
MINUTES: Final = 60
LONG_SECONDS: Final = 30.0  # in hand: worth saying


async def read(
    source: JobSource, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the ledger tells of the job; whatever is in the way is a problem, within five seconds."""
    del profile
    reading = Reading(name(source), "job", where.now())
    try:
        async with asyncio.timeout(SECONDS):
            await _read(source, where, reading)
    except TimeoutError:
        why = f"the ledger has not answered within {SECONDS:.0f} s; see what the database does, and look again"
        reading.problems.append(Problem(reading.source, why))
    except BackfillError as error:
        reading.problems.append(Problem(reading.source, one_line(error)))
    return reading, remembered


def name(source: JobSource) -> str:
    """What the source is called in a report."""
    return f"job {source.id}" + (f" of {source.database}" if source.database != OWN else "")


async def _read(source: JobSource, where: Surroundings, reading: Reading) -> None:
    from backfill import schema
    from backfill.ledger import jobs, progress

    limits = {"statement_timeout": milliseconds(STATEMENT_SECONDS), "lock_timeout": milliseconds(LOCK_SECONDS)}
    async with looked_into(where, source.database, **limits) as connection:
        await schema.check(connection)
        job_id = await jobs.find(connection, source.id)
        now = await progress.read(connection, job_id)
        reading.seen = f"job {job_id} of {now.backfill}, mode {now.mode}, {now.state.value}"
        reading.job = _job(now)
        _count(reading, now)
        await _minutes(connection, job_id, reading)
        await _workers(connection, job_id, reading)
        await _failures(connection, now, reading)
        await _attention(connection, job_id, reading.job)


def _job(now: "Progress") -> Job:
    middle, left = now.estimated_completion_at, now.seconds_left

    def until(moment: datetime | None) -> float | None:
        """The seconds to it by the database's clock: this machine's may be another."""
        if moment is None or middle is None or left is None:
            return None
        return max(0.0, left + (moment - middle).total_seconds())

    return Job(
        id=str(now.job_id),
        backfill=now.backfill,
        mode=now.mode,
        state=now.state.value,
        is_planned=now.is_planned,
        done=now.done,
        matched=now.matched,
        updated=now.updated,
        failed=now.failed,
        rate_per_second=now.rate,
        seconds_left=left,
        least_seconds_left=until(now.earliest_completion_at),
        most_seconds_left=until(now.latest_completion_at),
        started_at=_at(now.started_at),
        completed_at=_at(now.completed_at),
        reason=now.pause_reason or now.error_message,
        live_workers=0,
    )


def _count(reading: Reading, now: "Progress") -> None:
    reading.measures[Measure.ROWS] = now.done
    if now.is_planned:
        reading.measures[Measure.ROWS_TOTAL] = now.matched
    if now.calls_made:
        reading.measures |= {Measure.CALLS: now.calls_made, Measure.LIMIT_HITS: now.calls_refused}
    if retried := now.retried_recovered + now.retried_failed:
        reading.measures |= {Measure.RETRIES: retried, Measure.FAILED_RETRIES: now.retried_failed}
    ended = now.completed_partitions + now.failed_partitions + now.skipped_partitions
    states = {
        "completed": now.completed_partitions,
        "running": now.running_partitions,
        "pending": max(0, now.total_partitions - ended - now.running_partitions),
        "failed": now.failed_partitions,
        "skipped": now.skipped_partitions,
    }
    reading.groups = {f"partitions {state}": number for state, number in states.items() if number}
    heard = [moment for moment in (now.started_at, now.heartbeat_at, now.completed_at) if moment]
    reading.newest_at = _at(max(heard, default=now.created_at))
    if now.held_partitions:
        why = f": {one_line(now.held_reason)}" if now.held_reason else ""
        reading.notes.append(f"{counted(now.held_partitions, 'partition')} held{why}")


async def _minutes(connection: "Connection", job_id: "UUID", reading: Reading) -> None:
    from backfill.ledger.views.minutes import minutes

    for item in await minutes(connection, job_id, MINUTES):
        reading.minutes[int(item["minute"].timestamp()) // 60] = item["records"]


async def _workers(connection: "Connection", job_id: "UUID", reading: Reading) -> None:
    from backfill.ledger.views.job_workers import job_workers

    for item in await job_workers(connection, job_id):
        worker = Worker(f"{item['host']}:{item['pid']}", reading.source)
        worker.last_at = reading.at - item["heartbeat_age_seconds"]
        reading.workers.append(worker)
        if not item["is_slowest"]:
            continue
        held = worker.in_hand = f"partition {item['partition']} for {item['partition_seconds']:.1f} s"
        if item["partition_seconds"] > LONG_SECONDS:
            reading.notes.append(f"worker {one_line(worker.name)} has been longest at what it has in hand: {held}")
    assert reading.job is not None  # noqa: S101 - it was read before
    reading.job.live_workers = len(reading.workers)


async def _failures(connection: "Connection", now: "Progress", reading: Reading) -> None:
    from backfill.ledger.views.failures import failure_groups

    if not now.failed:
        return
    happened = Happened(total=now.failed)
    for item in (await failure_groups(connection, now.job_id, limit=MOST_EXAMPLES)).items:
        text = clean(f"{item['error_class']}: {item['message']}", MOST_OF_A_LINE)
        happened.examples.append(Line(f"record {item['first_record']}", text, _at(item["last_at"])))
    happened.last_at = max((line.at for line in happened.examples if line.at), default=None)
    reading.happened["error"] = happened


async def _attention(connection: "Connection", job_id: "UUID", job: Job) -> None:
    from backfill.ledger.views.attention import attention

    found = [item for item in await attention(connection) if item["job"] == str(job_id)]
    job.attention = [(item["kind"], item["text"], item["next"]) for item in found]


def _at(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
