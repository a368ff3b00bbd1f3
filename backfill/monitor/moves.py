"""When it moved last, by what the sources tell, and by what earlier looks had measured."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from backfill.monitor.amounts import moment
from backfill.monitor.readings import Measure, Point, Reading

if TYPE_CHECKING:
    from backfill.monitor.memory import Look

AHEAD: Final = 60.0  # seconds that a clock may be ahead of this machine's


def history(looks: "Sequence[Look]", measure: Measure, value: float, now: float) -> list[Point]:
    """What earlier looks had measured of it, and what is now."""
    earlier = [Point(one.at, one.measures[measure]) for one in looks if measure in one.measures and one.at < now]
    return [*earlier, Point(now, value)]


def moved_at(
    looked: Sequence[Point], told: Sequence[float], minutes: Mapping[int, int], newest: Sequence[float], now: float
) -> float | None:
    """The last time at which it is known to have moved: of looks, of what tells it or counts it, else of the data."""
    moved = _moved(looked, told or _last_minute(minutes, newest, now)) or newest
    return min(max(moved), now) if moved else None


def _moved(looked: Sequence[Point], exact: Sequence[float]) -> list[float]:
    for before, after in zip(reversed(looked[:-1]), reversed(looked), strict=False):
        if after.value > before.value:
            # It moved at some time between two looks: what was told of a moment in between is nearer to the truth.
            return [*exact] if max(exact, default=0.0) > before.at else [*exact, after.at]
    return [*exact]


def _last_minute(minutes: Mapping[int, int], newest: Sequence[float], now: float) -> list[float]:
    """The last minute that has any: at the newest time in it that is known, else at its end."""
    ends = [min(60.0 * minute + 59, now) for minute, count in minutes.items() if count > 0][-1:]
    return [max((at for at in newest if 0 <= end - at < 60), default=end) for end in ends]


def newest(readings: Sequence[Reading], now: float, recent: float) -> list[float]:
    """Times of the data, as far as they are times of the work: of old events that are loaded they are not."""
    found = [moment(one.measures.get(Measure.NEWEST)) for one in readings]
    times = [one.timestamp() for one in found if one is not None]
    return [at for at in times if now - recent <= at <= now + AHEAD]


def still_since(looked: Sequence[Point]) -> float | None:
    """Since when it is the same at each look; None where it is another than at the last one."""
    since = None
    for before, after in zip(reversed(looked[:-1]), reversed(looked), strict=False):
        if after.value != before.value:
            break
        since = before.at
    return since


def fell(looked: Sequence[Point]) -> tuple[float, float] | None:
    """What was measured at the last look and is now, where that is less."""
    if len(looked) < 2 or looked[-2].value <= looked[-1].value:
        return None
    return looked[-2].value, looked[-1].value
