"""Several logs as one: what each tells is put beside what the others do."""

from backfill.monitor.logs.happenings import MINUTE
from backfill.monitor.logs.ways import is_anew
from backfill.monitor.readings import (
    MOST_EXAMPLES,
    MOST_MINUTES,
    MOST_POINTS,
    MOST_WORKERS,
    PROGRESS,
    Happened,
    Reading,
    Worker,
)


def put(reading: Reading, other: Reading, name: str) -> None:
    """Add what a log tells that was written to later than those before.

    `name` tells its workers from others that are called alike.
    """
    for pattern, happened in other.happened.items():
        mine = reading.happened.setdefault(pattern, Happened())
        _happened(mine, happened)
    _workers(reading, other, name)
    _amounts(reading, other)
    reading.notes += [f"{name}: {note}" for note in other.notes]
    reading.clock_jumps += [f"{name}: {jump}" for jump in other.clock_jumps]
    newest, theirs = reading.newest_at, other.newest_at
    if theirs is not None and (newest is None or theirs > newest + MINUTE):
        reading.last_fatal_is_newest = other.last_fatal_is_newest
    elif theirs is not None and newest is not None and theirs >= newest - MINUTE:
        # Written to at the same time: silent only if all are.
        reading.last_fatal_is_newest = reading.last_fatal_is_newest and other.last_fatal_is_newest
    reading.newest_at = max((at for at in (newest, theirs) if at is not None), default=None)
    written = [at for at in (reading.written_at, other.written_at) if at is not None]
    reading.written_at = max(written, default=None)
    reading.is_whole = reading.is_whole and other.is_whole


def _amounts(reading: Reading, other: Reading) -> None:
    """What is done, and of how much: shares add up, but for one that goes on where another ended."""
    _minutes(reading.minutes, other.minutes)
    if not reading.measures or _goes_on(reading, other):
        reading.measures |= other.measures
        reading.points = (reading.points + other.points)[-MOST_POINTS:]
        return
    for done, whole in PROGRESS:
        both = [one.measures for one in (reading, other) if done in one.measures]
        for measure in (done, whole) if done in other.measures else ():
            told = [value for one in both if isinstance(value := one.get(measure), int)]
            if len(told) == len(both):
                reading.measures[measure] = sum(told)
            else:  # of one of them it is not known
                reading.measures.pop(measure, None)
    reading.points = [] if other.points else reading.points


def _goes_on(reading: Reading, other: Reading) -> bool:
    """Whether it tells more of the same, as a log does that was rotated."""
    if not reading.points or not other.points:
        return False
    before, after = reading.points[-1], other.points[0]
    is_same = all(reading.measures.get(whole) == other.measures.get(whole) for _, whole in PROGRESS)
    return is_same and before.at <= after.at and before.value <= after.value


def _minutes(mine: dict[int, int], theirs: dict[int, int]) -> None:
    for minute, count in theirs.items():
        mine[minute] = mine.get(minute, 0) + count
    for minute in sorted(mine)[:-MOST_MINUTES]:
        del mine[minute]


def _happened(mine: Happened, other: Happened) -> None:
    mine.total += other.total
    _minutes(mine.minutes, other.minutes)
    lines = sorted(mine.examples + other.examples, key=lambda line: line.at or 0.0)
    mine.examples = lines if len(lines) <= MOST_EXAMPLES else [lines[0], *lines[1 - MOST_EXAMPLES :]]
    mine.last_at = max((at for at in (mine.last_at, other.last_at) if at is not None), default=None)


def _workers(reading: Reading, other: Reading, name: str) -> None:
    known = {worker.name: worker for worker in reading.workers}
    for worker in other.workers:
        before = known.get(worker.name)
        if before is not None and _is_on(before, worker):
            _on(before, worker)
        elif len(reading.workers) < MOST_WORKERS:
            if before is not None:
                worker.name = f"{name}/{worker.name}"
            reading.workers.append(worker)


def _is_on(before: Worker, worker: Worker) -> bool:
    """Whether the one goes on where the other ended, as in a log that was rotated."""
    return bool(before.last_at is not None and worker.points and worker.points[0].at >= before.last_at)


def _on(before: Worker, worker: Worker) -> None:
    if before.points and worker.points and worker.points[0].value < before.points[-1].value:
        has_begun_again = is_anew(before.points[-1].value, worker.points[0].value)
        before.restarts += has_begun_again
        before.backwards += not has_begun_again
    before.points = (before.points + worker.points)[-MOST_POINTS:]
    before.percent = worker.percent if worker.percent is not None else before.percent
    before.position, before.unit = (
        (worker.position, worker.unit) if worker.position is not None else (before.position, before.unit)
    )
    before.last_at, before.is_finished = worker.last_at, worker.is_finished
    before.restarts += worker.restarts
    before.backwards += worker.backwards
