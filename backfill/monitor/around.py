"""What is there to look at, where nobody says: our own jobs, logs that grow, and the processes that write them."""

import asyncio
import glob
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from backfill.errors import BackfillError, UnreachableError
from backfill.monitor.databases import DEMO, OWN, looked_into, milliseconds, url
from backfill.monitor.profile import JobSource, LogSource, Profile
from backfill.monitor.surroundings import Surroundings

if TYPE_CHECKING:
    from backfill.ledger.views.page import Item

LOGS: Final = ("tmp/*.log", "logs/*.log", "log/*.log", "*.log")
RECENT_SECONDS: Final = 86_400.0
TOGETHER_SECONDS: Final = 120.0  # logs that were written so close to each other grow at once
MOST_JOBS: Final = 5
MOST_LOGS: Final = 32
LEDGER_SECONDS: Final = 4.0


async def around(where: Surroundings) -> Profile:
    """A profile of what is there; without a source where there is nothing."""
    jobs, logs = await asyncio.gather(_jobs(where), asyncio.to_thread(_logs, where))
    paths = [glob.escape(str(path.relative_to(where.folder))) for path in logs]
    return Profile(
        title=_title(jobs, logs),
        job=[JobSource(id=job.id, database=job.database) for job in jobs],
        log=[LogSource(path=path) for path in paths],
    )


@dataclass(frozen=True)
class _Job:
    id: str
    database: str
    backfill: str = ""


def _title(jobs: Sequence[_Job], logs: Sequence[Path]) -> str:
    names = {job.backfill for job in jobs} or {path.stem for path in logs}
    return f"Backfill {names.pop()}" if len(names) == 1 and any(names) else "Backfill"


async def _jobs(where: Surroundings) -> list[_Job]:
    """The active ones of the first ledger that has any, else the last that ended within a day."""
    ended: list[_Job] = []
    down: list[_Job] = []
    async for name in _ledgers(where):
        try:
            async with asyncio.timeout(LEDGER_SECONDS):
                active, last = await _of_ledger(where, name)
        except (UnreachableError, TimeoutError):
            if name in where.environ:  # somebody means it: the report is to say why it cannot be read
                down.append(_Job("latest", name))
        except BackfillError:  # no ledger, for one: the database is for something else
            continue
        else:
            if active:
                return [_Job(str(item["job"]), name, item["backfill"]) for item in active]
            ended += [_Job(str(item["job"]), name, item["backfill"]) for item in last]
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
    since = where.now() - RECENT_SECONDS
    return active.items, [one for one in last.items if one["completed_at"] and one["completed_at"].timestamp() > since]


def _logs(where: Surroundings) -> list[Path]:
    """The log that was written last, and those that are written with it; of a day at most."""
    found: dict[Path, tuple[float, Path]] = {}
    for path in (path for pattern in LOGS for path in where.folder.glob(pattern)):
        with suppress(OSError):
            told = path.stat()
            if path.is_file() and told.st_size and where.now() - told.st_mtime < RECENT_SECONDS:
                found.setdefault(path.resolve(), (told.st_mtime, path))
    newest_first = sorted(found.values(), reverse=True)
    if not newest_first:
        return []
    at, newest = newest_first[0]
    together = [path for when, path in newest_first if at - when < TOGETHER_SECONDS or _are_brothers(path, newest)]
    return sorted(together[:MOST_LOGS])


def _are_brothers(one: Path, other: Path) -> bool:
    """Whether the names differ in numbers only, as those of workers' logs do."""
    return one.parent == other.parent and re.sub(r"\d+", "0", one.name) == re.sub(r"\d+", "0", other.name)
