"""Plan and publish a job that is open, and say at its end how to go on."""

import asyncio
import shlex
import time
from functools import partial

from backfill import sessions, texts
from backfill.broker import BrokerLostError
from backfill.errors import SchemaError, UnreachableError
from backfill.ledger import jobs, planning
from backfill.outlet import Outlet
from backfill.producers.opening import Led, leading
from backfill.producers.parts import Parts
from backfill.producers.producer import Producer
from backfill.producers.source import Planning


async def produce(parts: Parts, led: Led, publisher: Outlet) -> int:
    """Plan and publish what is left of a job; returns how many records were queued now.

    Where it fails, the error says how to go on.
    """
    job, report, watch = led.job, parts.report, parts.watch
    resume = f"what is planned is safe: go on with {parts.again} {job.id}"
    try:
        async with parts.connect() as marker, parts.connect() as planner:
            watch.beat = partial(jobs.renew_lead, job_id=job.id, producer=led.producer)
            await sessions.put(marker, sessions.UNFLUSHED)
            async with led.prepared.source(Planning(parts, planner, job, led.producer)) as source:
                counted = await planning.count_planned(marker, job.id)
                report.begin(led.prepared.matched, queued=counted["queued"])
                began = time.monotonic()
                producer = Producer(marker, publisher, led.producer, report.batch)
                try:
                    async with leading(parts, job.id, led.producer):
                        try:
                            await producer.run(source, job)
                        except asyncio.CancelledError:  # said before anything is waited for
                            report.note(f"interrupted; {resume}")
                            resume = ""
                            raise
                except ExceptionGroup as group:
                    error = _first(group)
                    # To PostgreSQL's translation any lost link is its own.
                    lost = isinstance(error, BrokerLostError)
                    raise (UnreachableError(f"RabbitMQ: {error}") if lost else error) from group
                finally:
                    watch.beat = None
                seconds = time.monotonic() - began
    except asyncio.CancelledError:
        if resume:
            report.note(f"interrupted; {resume}")
        raise
    except SchemaError as error:  # going on would find the same
        raise SchemaError(f"{error}; give the job up with: backfill cancel {job.id} --reason=TEXT") from error
    except UnreachableError as error:
        raise UnreachableError(f"{error}; {resume}") from error
    rate = f", {producer.records / seconds:,.0f}/sec" if seconds > 0 else ""
    records, batches = texts.counted(producer.records, "record"), texts.counted(producer.batches, "batch", "batches")
    report.say(f"Queued {records} in {batches} ({seconds:.1f} s{rate}).")
    if producer.last_key is not None:
        report.say(
            f"The limit ends behind key {producer.last_key}. What workers leave as it is comes first in the next run "
            f"again; to go on behind it: --after={shlex.quote(producer.last_key)}"
            + (" --order=desc" if job.sort_order == "desc" else "")
        )
    if parts.sends:
        report.say(f"Start workers with: backfill-worker {job.backfill}")
    report.say(f"Follow the job with: backfill status {job.id}")
    return producer.records


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the producer's tasks; what followed it was cancelled."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
