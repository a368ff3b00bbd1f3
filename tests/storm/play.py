"""Play one schedule in its lane and say what came of it."""

import asyncio
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.storm import calm, dice, facts, verdict
from tests.storm.rage import rage
from tests.storm.services import Lane
from tests.storm.storm import Storm

SECONDS = 150.0  # whatever has not ended by then never ends


@dataclass(frozen=True)
class Outcome:
    seed: int
    schedule: str
    seconds: float
    summary: str = ""
    faults: list[str] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    folder: str = ""  # with what the processes said, when something is wrong


async def play(lane: Lane, seed: int, without: frozenset[str]) -> Outcome:
    """One storm, from an empty database to the verdict."""
    schedule = dice.schedule(seed).without(without)
    folder = Path(tempfile.mkdtemp(prefix=f"storm-{seed}-"))
    began = time.monotonic()
    summary, faults, journal = "", [], []
    try:
        async with asyncio.timeout(SECONDS), lane.place(private=schedule.needs_private) as place:
            storm = Storm(schedule, place, folder)
            try:
                await rage(storm)
                await calm.settle(storm)
                seen = await facts.read(storm)
                faults = verdict.judge(storm, seen)
                summary = _summary(storm, seen)
            finally:
                journal = storm.journal
                storm.fleet.close()
    except Exception as error:
        faults = [*faults, f"the storm itself ended with {type(error).__name__}: {error}"]
    if not faults:
        shutil.rmtree(folder)
    where = str(folder) if faults else ""
    return Outcome(seed, str(schedule), time.monotonic() - began, summary, faults, journal, where)


def _summary(storm: Storm, seen: facts.Facts) -> str:
    states = ", ".join(job["state"] for job in seen.jobs)
    attempts = max((one["attempt_count"] for all_ in seen.partitions.values() for one in all_), default=0)
    effects = sum(1 for one in seen.audit if one["job"])
    return (
        f"{states or 'no job'}; {effects} effects, {storm.application.writes} writes of the application, "
        f"{attempts} attempts at most, {len(storm.fleet.commands)} processes"
    )
