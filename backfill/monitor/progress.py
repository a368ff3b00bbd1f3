"""How far it is: what is done and of how much, from the source that knows it best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from backfill.monitor.amounts import MOST_OF_A_NAME, numeric
from backfill.monitor.profile import Profile
from backfill.monitor.readings import PROGRESS, Measure, Reading, Worker
from backfill.texts import one_line

# Who counts what was committed knows it better than who says what he has done.
TRUST: Final = ("job", "sql", "command", "log")
COUNTED: Final = ("page", "record", "row", "item", "file", "line", "key", "call", "request")  # from nothing on
NEARLY_NOTHING: Final = 0.05  # of its share
OVER: Final = ("failed", "cancelled", "completed")
ALIKE: Final = 0.02  # of two sources that count the same: what may lie between two moments of looking


@dataclass(frozen=True, slots=True)
class Progress:
    """Units done, and of how many; `percent` is of the whole, by its workers where nobody tells how much that is."""

    done: float | None = None
    total: float | None = None
    percent: float | None = None
    unit: str = "rows"
    measure: Measure | None = None
    reading: Reading | None = None  # the one that tells it
    doubles: list[str] = field(default_factory=list)  # sentences on others that measure the same

    @property
    def is_whole(self) -> bool:
        return self.done is not None and bool(self.total) and self.done >= (self.total or 0)


def trusted(readings: Sequence[Reading]) -> list[Reading]:
    """The readings, those first that know best, of jobs those that are not over; among equals the profile's order."""
    return sorted(readings, key=lambda one: (TRUST.index(one.kind) if one.kind in TRUST else len(TRUST), _over(one)))


def _over(reading: Reading) -> int:
    state = reading.job.state if reading.job is not None else ""
    return OVER.index(state) if state in OVER else -1


def workers(readings: Sequence[Reading]) -> list[Worker]:
    """Those that tell how far they are; of a job of ours the ledger knows that better."""
    found = [worker for one in readings if one.kind != "job" for worker in one.workers]
    told = ((one, numeric(one.percent), numeric(one.position)) for one in found)
    return [one for one, percent, position in told if one.is_finished or percent is not None or position is not None]


def progress(profile: Profile, readings: Sequence[Reading]) -> Progress:
    """What is done; everything is None where no source tells."""
    some = workers(readings)
    percent = _of_workers(profile, some)
    measured = [found for measure, whole in _wanted(profile) if (found := _measured(profile, readings, measure, whole))]
    if measured:
        # Of what has no end nobody can say how far it is.
        found = next((one for one in measured if one.total), measured[0])
        is_own = found.reading is not None and found.reading.kind == "job"
        return found if found.percent is not None or is_own else replace(found, percent=percent)
    added, unit = _of_positions(profile, some)
    if added is not None and profile.total and percent is None and added <= profile.total:
        return Progress(added, float(profile.total), 100 * min(added / profile.total, 1.0), unit)
    shares = [(one, value) for one in readings if (value := numeric(one.measures.get(Measure.PERCENT))) is not None]
    if percent is None and shares:
        percent = min(shares[0][1], 100.0)
        return Progress(percent, 100.0, percent, "percent", Measure.PERCENT, shares[0][0])
    return Progress(percent=percent, unit="percent" if percent is not None else unit)


def _measured(profile: Profile, readings: Sequence[Reading], measure: Measure, whole: Measure) -> Progress | None:
    told = [(one, value) for one in trusted(readings) if (value := numeric(one.measures.get(measure))) is not None]
    if not told:
        return None
    reading, done = told[0]
    total = _total(profile, readings, reading, whole)
    share = 100 * min(done / total, 1.0) if total else None
    unit = _unit(profile, measure, reading)
    return Progress(done, total, share, unit, measure, reading, _doubles(measure, told))


def _wanted(profile: Profile) -> Iterator[tuple[Measure, Measure]]:
    """The profile's own unit first, where it is one that is measured."""
    yield from (one for one in PROGRESS if one[0].value == profile.unit)
    yield from (one for one in PROGRESS if one[0].value != profile.unit)


def _total(profile: Profile, readings: Sequence[Reading], told: Reading, whole: Measure) -> float | None:
    if told.job is not None and not told.job.is_planned:
        return None
    for one in (told, *trusted(readings)):
        if (total := numeric(one.measures.get(whole))) is not None:
            return total
    return float(profile.total) if profile.total is not None else None


def _unit(profile: Profile, measure: Measure, reading: Reading) -> str:
    if reading.kind == "job":
        return "records"
    return profile.unit if measure is Measure.ROWS else measure.value


def _doubles(measure: Measure, told: Sequence[tuple[Reading, float]]) -> list[str]:
    (first, value), *others = told
    return [
        f"{one.source} measures {measure.value} too, {round(other):,}: {round(value):,} of {first.source} counts"
        for one, other in others
        if one.job is None  # another job is of other rows
        and abs(other - value) > ALIKE * max(value, other)
    ]


def _of_workers(profile: Profile, some: Sequence[Worker]) -> float | None:
    """The mean of what they have; who was not heard of yet has nothing."""
    told = [100.0 if one.is_finished else numeric(one.percent) for one in some]
    known = [min(value, 100.0) for value in told if value is not None]
    if not any(numeric(one.percent) is not None for one in some):
        return None
    return sum(known) / max(len(known), profile.workers or 0)


def _of_positions(profile: Profile, some: Sequence[Worker]) -> tuple[float | None, str]:
    """What workers that count add up to, and of what; places on a common way, such as blocks, add up to nothing."""
    units = {_bare(one.unit) for one in some if one.position is not None}
    if len(units) != 1:
        return None, profile.unit
    unit = units.pop()
    if unit != _bare(profile.unit) and (unit not in COUNTED or profile.unit != "rows"):
        return None, f"{one_line(unit, MOST_OF_A_NAME)}s" if unit else "steps"
    told = [numeric(one.position) for one in some]
    if any(_is_begun_elsewhere(profile, one, len(some)) for one in some):
        return None, f"{unit}s"
    return sum(one for one in told if one is not None), profile.unit if unit == _bare(profile.unit) else f"{unit}s"


def _is_begun_elsewhere(profile: Profile, worker: Worker, many: int) -> bool:
    """Whether its share does not begin at nothing: then where it is does not say how much it has done."""
    first = min((numeric(one.value) or 0.0 for one in worker.points), default=0.0)
    return profile.total is not None and first > NEARLY_NOTHING * profile.total / many


def _bare(unit: str) -> str:
    return unit.casefold().removesuffix("s")
