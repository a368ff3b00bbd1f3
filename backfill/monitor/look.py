"""One look: every source at once, then rates, then the verdict."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import BaseModel

from backfill.monitor import aside, pace, verdicts
from backfill.monitor.memory import Look, Memory
from backfill.monitor.once import once
from backfill.monitor.pace import Pace
from backfill.monitor.profile import LogSource, Profile
from backfill.monitor.readings import PROGRESS, Measure, Problem, Reading, Remembered
from backfill.monitor.report import Report
from backfill.monitor.sources import commands, jobs, logs, processes, queries, targets
from backfill.monitor.surroundings import AT_ONCE, MARGIN_SECONDS, Surroundings
from backfill.texts import in_a_line

OWN_SECONDS: Final = 20.0  # of a source that has no timeout to set
PLAIN: Final = ("sql", "command")  # what tells a number, and nothing of how it came to be

# Of two that tell the same number the first counts: what knows best stands first.
SOURCES: Final[dict[str, Any]] = {
    "job": jobs,
    "sql": queries,
    "command": commands,
    "log": logs,
    "process": processes,
    "target": targets,
}

_logged: set[str] = set()
_left: dict[str, list[Future[Any]]] = {}  # what has not come back of earlier looks, by what was asked

Read = Callable[[Any, Profile, Surroundings, Remembered], Awaitable[tuple[Reading, Remembered]]]


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: str
    source: BaseModel
    key: str  # in the memory
    title: str
    read: Read
    seconds: float


async def look(profile: Profile, where: Surroundings, memory: Memory, gap: float = 0.0) -> tuple[Report, Memory]:
    """Look at all sources of the profile, and judge; the memory that comes back is for the next look.

    Where nothing but a number was found, and none of an earlier look, it is read again after `gap` seconds: else there
    would be no rate. Raises nothing for what is wrong outside: the report says it.
    """
    aside.use()
    where = replace(where, read_until=time.monotonic() + where.read_seconds)
    asked = list(_asked(profile, where))
    found, sources = await _read(asked, profile, where, memory.sources)
    readings = once(found)
    now = where.now()
    measured = pace.measured(profile, readings, memory.looks, now)
    memory = replace(memory, sources=sources).with_look(Look(now, measured.measures))
    if gap and _is_without_rate(measured, readings):
        await asyncio.sleep(gap)
        again = [one for one in asked if one.kind in PLAIN]
        newer, remembered = await _read(again, profile, where, sources)
        numbers = dict(zip([one.key for one in again], newer, strict=True))
        readings = [numbers.get(one.key, reading) for one, reading in zip(asked, readings, strict=True)]
        now = where.now()
        measured = pace.measured(profile, readings, memory.looks, now)
        memory = replace(memory, sources=sources | remembered).with_look(Look(now, measured.measures))
    piped = [isinstance(one.source, LogSource) and one.source.is_piped for one in asked]
    memory.has_ended = bool(piped) and all(piped) and all(one.is_whole for one in readings)
    return verdicts.judged(profile, readings, measured, now, where.since), memory


def _is_without_rate(measured: Pace, readings: Sequence[Reading]) -> bool:
    numbers = {done for done, _ in PROGRESS} | {Measure.PERCENT}
    return not measured.has_rate and any(one.kind in PLAIN and numbers & one.measures.keys() for one in readings)


def _asked(profile: Profile, where: Surroundings) -> Iterator[_Asked]:
    for kind, module in SOURCES.items():
        sources: Sequence[BaseModel] = getattr(profile, kind)
        for source in sources:
            key = f"{kind} {hashlib.sha256(json.dumps(source.model_dump()).encode()).hexdigest()[:16]}"
            seconds = where.read_seconds if kind == "log" else getattr(source, "timeout", OWN_SECONDS)
            yield _Asked(kind, source, key, module.name(source), module.read, seconds + MARGIN_SECONDS)


async def _read(
    asked: Sequence[_Asked], profile: Profile, where: Surroundings, remembered: dict[str, Remembered]
) -> tuple[list[Reading], dict[str, Remembered]]:
    """Readings in the order of what is asked, and what each source remembers now."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(ask: _Asked) -> tuple[Reading, Remembered]:
        async with room:
            return await _bounded(ask, profile, where, remembered.get(ask.key, {}))

    found = await asyncio.gather(*map(one, asked))
    return [reading for reading, _ in found], {ask.key: kept for ask, (_, kept) in zip(asked, found, strict=True)}


async def _bounded(
    ask: _Asked, profile: Profile, where: Surroundings, remembered: Remembered
) -> tuple[Reading, Remembered]:
    """What the source tells; that it told nothing in time, or has a bug of ours, is a problem like any other."""
    place = f"{where.folder} {ask.key}"
    # Another one at each look of a watch would be without end.
    if left := [one for one in _left.pop(place, []) if not one.done()]:
        _left[place] = left
        why = f"{ask.title} is still being read since an earlier look; see whether a disk or a network hangs"
        return _unread(ask, why, where), remembered
    try:
        async with asyncio.timeout(ask.seconds):
            with aside.begun() as left:
                return await ask.read(ask.source, profile, where, remembered)
    except TimeoutError:
        why = f"{ask.title} told nothing within {ask.seconds:.0f} s; see whether a disk or a network hangs"
    except Exception as error:
        if ask.key not in _logged:  # a watch would say it at each look
            _logged.add(ask.key)
            logging.getLogger("backfill.monitor").exception("a mistake of ours in reading %s", ask.title)
        why = f"{ask.title} could not be read: {in_a_line(error)}; this is a mistake of ours: report it"
    finally:
        if waiting := [one for one in left if not one.done()]:
            _left[place] = waiting
    return _unread(ask, why, where), remembered


def _unread(ask: _Asked, why: str, where: Surroundings) -> Reading:
    problem = Problem(ask.title, why)
    return Reading(ask.title, ask.kind, where.now(), is_whole=False, problems=[problem])
