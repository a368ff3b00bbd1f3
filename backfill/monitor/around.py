"""What is there to look at, where nobody says: our own jobs, logs that grow, and the processes that write them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backfill.errors import BackfillError, SchemaError, UnreachableError
from backfill.monitor import aside, growing, writers
from backfill.monitor.databases import DEMO, OWN, looked_into, milliseconds, url
from backfill.monitor.profile import JobSource, Profile
from backfill.monitor.surroundings import Surroundings

if TYPE_CHECKING:
    from backfill.ledger.views.page import Item

MOST_JOBS: Final = 5
LEDGER_SECONDS: Final = 4.0
MISSING: Final = "ledger is missing"  # in a SchemaError
OVER_SECONDS: Final = 600.0  # what ended, or was written, so long before the rest is another matter


async def around(where: Surroundings, *, lasting: bool = False) -> Profile:
    """A profile of what is there, without a source where there is nothing.

    One that is to last names what will be there the next time: the latest job, the newest log, words instead of pids.
    """
    aside.use()
    jobs, logs = await asyncio.gather(_jobs(where), asyncio.to_thread(growing.logs, where))
    jobs, logs = _of_one_matter(jobs, logs, where.now())
    # Who works on a job the ledger knows.
    find = partial(writers.processes, where, logs, by_words=not jobs, lasting=lasting)
    ids = {(job.database, "latest" if lasting else job.id) for job in jobs}
    return Profile(
        title=_title(jobs, logs),
        job=[JobSource(id=id_, database=database) for database, id_ in sorted(ids)],
        log=growing.lasting(logs, where) if lasting else growing.exactly(logs, where),
        process=await asyncio.to_thread(find),
    )


@dataclass(frozen=True)
class _Job:
    id: str
    database: str
    backfill: str = ""
    ended_at: float | None = None  # None: it is active


def _of_one_matter(jobs: list[_Job], logs: list[Path], now: float) -> tuple[list[_Job], list[Path]]:
    """Without jobs that ended long before the logs were written, or logs that were left long before a job was."""
    known = [now if job.ended_at is None else job.ended_at for job in jobs if job.backfill]
    written = growing.written_at(logs)
    if not known or written is None:
        return jobs, logs
    return (jobs if written - max(known) < OVER_SECONDS else []), (logs if max(known) - written < OVER_SECONDS else [])


def _title(jobs: Sequence[_Job], logs: Sequence[Path]) -> str:
    names = {job.backfill for job in jobs} or {growing.NUMBERS.sub("", path.stem).strip("-_. ") for path in logs}
    return f"Backfill {names.pop()}" if len(names) == 1 and any(names) else "Backfill"


async def _jobs(where: Surroundings) -> list[_Job]:
    """The active ones of the first ledger that has any, else the last that ended within a day."""
    ended: list[_Job] = []
    down: list[_Job] = []
    async for name in _ledgers(where):
        try:
            async with asyncio.timeout(LEDGER_SECONDS):
                active, last = await _of_ledger(where, name)
        except (UnreachableError, SchemaError, TimeoutError) as error:
            # Somebody means it: the report is to say why it cannot be read. Without a ledger it is for something else.
            if name in where.environ and MISSING not in str(error):
                down.append(_Job("latest", name))
        except BackfillError:  # it is no database of ours
            continue
        else:
            if active:
                return [_Job(str(item["job"]), name, item["backfill"]) for item in active]
            ended += [_Job(str(one["job"]), name, one["backfill"], one["completed_at"].timestamp()) for one in last]
    return ended[:1] or down


async def _ledgers(where: Surroundings) -> AsyncIterator[str]:
    """The variables that lead to databases, each database once."""
    seen = set()
    for name in (OWN, DEMO):
        with suppress(BackfillError):
            if (found := await url(name, where)) not in seen:
                seen.add(found)
                yield name


async def _of_ledger(where: Surroundings, name: str) -> "tuple[list[Item], list[Item]]":
    """Active jobs, the newest first, and the last one if it has ended within a day."""
    from backfill import schema
    from backfill.ledger.views.jobs import job_page
    from backfill.states import ACTIVE

    async with looked_into(where, name, statement_timeout=milliseconds(LEDGER_SECONDS)) as connection:
        await schema.check(connection)
        states = sorted(state.value for state in ACTIVE)
        active = await job_page(connection, states=states, backfill=None, cursor=None, limit=MOST_JOBS)
        last = await job_page(connection, states=None, backfill=None, cursor=None, limit=1)
    since = where.now() - growing.RECENT_SECONDS
    return active.items, [one for one in last.items if one["completed_at"] and one["completed_at"].timestamp() > since]
