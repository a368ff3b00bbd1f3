"""How a job is planned where no broker hears of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from backfill import rights
from backfill.definition import Definition
from backfill.errors import ConflictError
from backfill.ledger import jobs
from backfill.ledger.jobs import Request
from backfill.outlet import Nowhere, Outlet
from backfill.producers import queueing, resumption
from backfill.producers.parts import Parts, Report, built
from backfill.settings import Settings

Plan: TypeAlias = Callable[[Parts], Awaitable[dict[str, Any]]]


def whole(definition: Definition, request: Request, **more: Any) -> Plan:
    """Open a job for the request and plan it; with an idempotency key that was used, that job."""
    return partial(queueing.queue, definition=definition, request=request, **more)


def rest_of(job_id: UUID, definition: Definition) -> Plan:
    """Plan what is left of a job as soon as nobody else does."""
    return partial(_go_on, job_id=job_id, definition=definition)


async def need_open(connection: Any, reference: str) -> tuple[UUID, str]:
    """The job and its backfill; raises ConflictError where it has ended."""
    job = await jobs.read(connection, await jobs.find(connection, reference))
    if job.completed_at is not None:
        raise ConflictError(f"job {job.id} is {job.state.value}: it has ended; open a new one")
    return job.id, job.backfill


async def queue(settings: Settings, definition: Definition, request: Request, report: Report) -> dict[str, Any]:
    """Open a job and queue it for workers that have a broker."""
    async with built(settings, report) as parts:
        return await queueing.queue(parts, definition, request)


async def dry_run(settings: Settings, definition: Definition, request: Request, report: Report) -> dict[str, Any]:
    """Show what would be planned."""
    async with alone(settings, report) as parts:
        return await queueing.dry_run(parts, definition, request)


@asynccontextmanager
async def alone(
    settings: Settings, report: Report, opened: Callable[[UUID], None] = lambda _: None
) -> AsyncIterator[Parts]:
    """Parts that tell nobody but this process."""
    async with built(settings, report) as parts:
        yield replace(parts, publisher=_nowhere, sends=False, opened=opened)


async def _go_on(parts: Parts, *, job_id: UUID, definition: Definition) -> dict[str, Any]:
    await rights.need_to_open(parts.connection, definition, works=True)
    parts.opened(job_id)
    producer = uuid4()
    if (led := await resumption.until_led(parts, job_id, producer)) is not None:
        return await resumption.go_on(parts, definition, led, producer)
    return {"job": str(job_id), "queued": 0}


@asynccontextmanager
async def _nowhere(backfill: str) -> AsyncIterator[Outlet]:
    del backfill
    yield Nowhere()
