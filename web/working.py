"""A process that works on so many records and ends: it runs the users' code, which must not hold a server up.

It is asked on stdin, by an object, and answers with one on the pipe that it is given. Killed at any point it is a
worker that was killed: what it had in hand is taken over when its leases end.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from time import monotonic
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from backfill import application, database, door, log, schema, sessions
from backfill.database import Connection
from backfill.errors import BackfillError
from backfill.eventloop import run
from backfill.ledger import events, jobs, progress
from backfill.ledger.job import Job
from backfill.modes import Priority
from backfill.settings import Settings
from backfill.states import CLAIMABLE, OUTCOMES
from backfill.web.visit import Visit
from backfill.workers import signals

EXIT_STUCK: Final = 70
FIRST: Final = [Priority.HIGH, Priority.NORMAL, Priority.LOW]
DRAIN_SECONDS: Final = 5.0  # at the end of the time; a worker's own may be longer than a caller waits


class Order(BaseModel):
    """What is asked."""

    settings: dict[str, Any]
    backfill: str | None
    limit: int
    seconds: float
    actor: str  # for whom
    answer: int  # a file descriptor


@dataclass
class Worked:
    """What was done."""

    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    deleted: int = 0
    remaining: int = 0  # records of the jobs that could be worked on, as far as they are planned

    @property
    def processed(self) -> int:
        return sum(getattr(self, outcome) for outcome in OUTCOMES)


def main() -> None:
    """Answer what stdin asks."""
    door.guard()
    order = Order.model_validate_json(sys.stdin.read())
    settings = Settings(**order.settings)
    log.use(settings.log, settings.log_format)
    try:
        answer, is_stuck = run(_work(order, settings))
    except BackfillError as error:
        answer, is_stuck = {"error": {"text": str(error), "exit_code": error.exit_code}}, False
    with suppress(OSError), os.fdopen(order.answer, "w") as pipe:  # who asked may have gone: the ledger has it
        pipe.write(log.as_json(answer))
    if is_stuck:
        os._exit(EXIT_STUCK)


async def _work(order: Order, settings: Settings) -> tuple[dict[str, Any], bool]:
    until = monotonic() + order.seconds
    settings = settings.model_copy(update={"drain_seconds": min(settings.drain_seconds, DRAIN_SECONDS)})
    definitions = application.load(settings.app)
    if order.backfill is not None:
        definitions = {order.backfill: application.pick(definitions, order.backfill)}
    stopping = _Stopping()
    signals.obey(stopping.stop, _say)
    worked, touched = Worked(), list[str]()
    is_stuck = False
    async with database.connected(
        settings.need_database(), name="backfill-serve process", tenant=settings.tenant
    ) as connection:
        await schema.check(connection)
        for job in await _claimable(connection, list(definitions)):
            left, seconds = order.limit - worked.processed, until - monotonic()
            if left <= 0 or seconds <= 0 or stopping.is_set:
                break
            visit = Visit(settings, definitions[job.backfill], job.id, left, _say)
            await _visit(visit, stopping, seconds)
            for outcome in OUTCOMES:
                setattr(worked, outcome, getattr(worked, outcome) + getattr(visit.stats, outcome))
            is_stuck = is_stuck or visit.is_stuck
            if visit.stats.records:
                touched.append(str(job.id))
                await _remember(connection, job.id, order.actor, visit)
        for job in await _claimable(connection, list(definitions)):
            now = await progress.read(connection, job.id)
            worked.remaining += now.matched - now.done
    return {"processed": worked.processed, **asdict(worked), "jobs": touched}, is_stuck


async def _remember(connection: Connection, job_id: UUID, actor: str, visit: Visit) -> None:
    """Leave it with the job's events for whom its records were worked on; a kill before this loses that alone."""
    done = {outcome: getattr(visit.stats, outcome) for outcome in OUTCOMES}
    async with sessions.brief(connection):
        await events.act(connection, actor)
        await events.remember(connection, job_id, "job.processed", {"processed": visit.stats.records, **done})


async def _claimable(connection: Connection, backfills: list[str]) -> list[Job]:
    """In the order in which workers prefer them."""
    found = [job for job in await jobs.active(connection, backfills) if job.state in CLAIMABLE]
    return sorted(found, key=lambda job: FIRST.index(job.priority))


async def _visit(visit: Visit, stopping: "_Stopping", seconds: float) -> None:
    stopping.call = visit.stop
    late = asyncio.get_running_loop().call_later(seconds, visit.stop)
    try:
        with signals.interrupting(visit.lookout):
            await visit.run()
    finally:
        late.cancel()
        stopping.call = None


class _Stopping:
    """Told to end, by a signal."""

    def __init__(self) -> None:
        self.is_set = False
        self.call: Callable[[], None] | None = None

    def stop(self) -> None:
        self.is_set = True
        if self.call is not None:
            self.call()


_say: Final = partial(door.logged, level=log.Level.INFO)

if __name__ == "__main__":
    main()
